"""The folder of a fleet: the forge's repos, the registrations, the aggregator's state."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from aggregator.config.nodes_dir import write_registration
from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration
from benchmarks.fleet import forge as fleet_forge
from benchmarks.fleet.forge import BOOKS, PATTERN, Made, MadeRepo, Place, Remote
from tests.support.files import write_secret, write_toml


class Site:
    """A fleet's folder, opened by any process.

    Args:
        folder: the folder that `lay_out` fills.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config_path = folder / "aggregator.toml"
        self.nodes_dir = folder / "nodes.d"
        self.state_dir = folder / "state"
        self.log_path = folder / "log"

    def lay_out(self, place: Place, now: datetime, commits: int) -> None:
        """Write everything but the registrations."""
        facts = {"now": now.isoformat(), "commits": str(commits), **place._asdict()}
        (self.folder / "site.json").write_text(json.dumps(facts))
        token = write_secret(self.folder / "token", self.made.token)
        forge = {
            "kind": "forgejo",
            "url": self.made.url,
            "org": self.made.org,
            "token_file": token,
            "pattern": PATTERN,
        }
        books = {
            "node": BOOKS,
            "role": "books",
            "url": self.made.books_url,
            "token_file": token,
            "allow_unsigned": True,
        }
        values = {"state": self.state_dir, "forge": forge, "repo": [books]}
        write_toml(self.config_path, values)

    @cached_property
    def _facts(self) -> dict[str, str]:
        facts: dict[str, str] = json.loads((self.folder / "site.json").read_text())
        return facts

    @property
    def now(self) -> datetime:
        """The aggregator's clock in all passes; it does not advance, so no hourly probe is due."""
        return datetime.fromisoformat(self._facts["now"]).astimezone(UTC)

    @property
    def commits(self) -> int:
        """How many commits each node's history had at first."""
        return int(self._facts["commits"])

    @cached_property
    def forge(self) -> Remote:
        """The forge, in its own process."""
        return fleet_forge.reach(Place(self._facts["address"], self._facts["word"]))

    @cached_property
    def made(self) -> Made:
        """What the forge had at first."""
        return self.forge.made()

    @property
    def nodes(self) -> Sequence[str]:
        """The names of all nodes."""
        return [repo.node for repo in self.made.repos]

    def register(self, nodes_dir: Path | None = None) -> None:
        """Register every node."""
        for repo in self.made.repos:
            write_registration(nodes_dir or self.nodes_dir, _registration(repo, self.now))


def _registration(repo: MadeRepo, now: datetime) -> Registration:
    name = repo.url.rpartition("/")[2].removesuffix(".git")
    values = {
        "node": repo.node,
        "registered_at": now,
        "keys": (RegisteredKey(line=repo.key, added_at=now),),
        "repos": (RegisteredRepo(name=repo.node, forge_name=name, forge_id=repo.forge_id),),
    }
    return Registration.model_validate(values)
