"""An aggregator with its remotes: real repos, a real state directory, a clock that is set by hand.

world = World(tmp_path)
world.repo("node-1").commit({segment_path(day, 1): usage_line()})
world.pull()["node-1"].admitted
"""

import copy
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

from aggregator.cli.context import opening
from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.proof.rebuild import scratch_ledger
from aggregator.proof.verify import Verification, verify
from aggregator.pulling.fetching import fetch_repo
from aggregator.pulling.passes import Puller
from aggregator.pulling.repo_pass import RepoReport
from aggregator.rating.rating import Rater
from aggregator.reports import accounts, repos
from aggregator.store.store import LedgerStore, open_for_reading
from gitmeter.roles.role import Role
from tests.support.files import write_toml
from tests.support.programs import Said, run_aggregator
from tests.support.repos import (
    RepoWriter,
    decision_line,
    money_line,
    segment_path,
    usage_line,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = date(2025, 6, 1)

BOOKS = "books"
PRICES = b"""\
[[price]]
resource = "hero_os/seconds"
usd = "3.60"
per = 3600
from = 2020-01-01T00:00:00Z
"""


class DeathError(BaseException):
    """The process dies here: nothing that it meant to do afterwards happens."""


class MortalConnection(sqlite3.Connection):
    """A connection that dies before a given statement, and takes no statement after that.

    Attributes:
        statements_left: how many it still takes; None is for ever.
        statements: how many it took.
    """

    statements_left: int | None = None
    statements = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has them
        """As ever, while it lives."""
        self._tick()
        return super().execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:  # noqa: ANN401 - as sqlite3 has them
        """As ever, while it lives."""
        self._tick()
        return super().executemany(*arguments)

    def _tick(self) -> None:
        if self.statements_left == 0:
            raise DeathError
        if self.statements_left is not None:
            self.statements_left -= 1
        self.statements += 1


class World:
    """Remotes and one aggregator that reads them.

    Attributes:
        folder: everything lies below it.
        now: what the aggregator's clock says.
        settings: keys of the configuration beside `state` and `repo`.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.now = NOW
        self.settings: dict[str, Any] = {"fetch_workers": 2, "connect_timeout_s": 5, **settings}
        self._writers: dict[str, RepoWriter] = {}
        self._repos: dict[str, RepoConfig] = {}

    def copied_to(self, folder: Path) -> Self:
        """The same world in another folder, with remotes and an aggregator of its own.

        Most of what a test's world takes is telling and pulling what many tests begin with.
        """
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        made = copy.copy(self)
        made.folder = folder
        made.settings = dict(self.settings)
        made._writers = {
            name: writer.copied_to(folder / writer.path.relative_to(self.folder))
            for name, writer in self._writers.items()
        }
        made._repos = {}
        for name, repo in self._repos.items():
            is_on_disk = repo.url == self._writers[name].url
            url = made._writers[name].url if is_on_disk else repo.url
            made._repos[name] = repo.model_copy(update={"url": url})
        return made

    def repo(
        self, name: str, *, node: str | None = None, url: str | None = None, role: Role = "usage"
    ) -> RepoWriter:
        """The remote of this name, made and added to the configuration when it is new.

        Args:
            name: of the repo.
            node: whose repo it is, when not `name`.
            url: where the aggregator finds it, when not on disk.
            role: what it carries, when it is not the books.
        """
        if name not in self._writers:
            self._writers[name] = RepoWriter(self.folder / "remotes" / f"{name}.git")
            self._repos[name] = RepoConfig.model_validate(
                {
                    "name": name,
                    "node": node or name,
                    "role": "books" if name == BOOKS else role,
                    "url": url or self._writers[name].url,
                    "allow_unsigned": True,
                }
            )
        return self._writers[name]

    def usage(self, *lines: bytes, repo: str = "node-1", when: datetime | None = None) -> str:
        """Commit one segment of usage lines; the path tells it from every earlier one."""
        return self._segment("usage", repo, lines, when)

    def pay(self, *lines: bytes, repo: str = BOOKS, when: datetime | None = None) -> str:
        """Commit one segment of money lines."""
        return self._segment("payments", repo, lines, when)

    def decide(self, *lines: bytes, repo: str = BOOKS, when: datetime | None = None) -> str:
        """Commit one segment of decision lines."""
        return self._segment("decisions", repo, lines, when)

    def configure(self, name: str, **keys: object) -> None:
        """Change keys of a configured repo."""
        stated = self._repos[name].model_dump() | keys
        self._repos[name] = RepoConfig.model_validate(stated)

    def drop(self, name: str) -> None:
        """Configure a repo no longer; its mirror and its remote stay."""
        del self._repos[name]

    def move_mirror_away(self, name: str) -> None:
        """Leave the aggregator without a repo's mirror, until `bring_back`."""
        self.config.mirror_path(name).rename(self._away(name))

    def bring_back(self, name: str) -> None:
        """Give the aggregator back a mirror that was moved away."""
        self._away(name).rename(self.config.mirror_path(name))

    def _away(self, name: str) -> Path:
        return self.folder / f"away-{name}.git"

    def _segment(
        self, folder: str, repo: str, lines: tuple[bytes, ...], when: datetime | None
    ) -> str:
        writer = self.repo(repo)
        number = sum(path.endswith(".jsonl") for path in self._files(writer)) + 1
        return writer.commit({segment_path(DAY, number, folder=folder): b"".join(lines)}, when=when)

    def _files(self, writer: RepoWriter) -> dict[str, bytes]:
        tip = writer.tip()
        return {} if tip is None else writer.files(tip)

    def rules(self, prices: bytes | None = PRICES, discounts: bytes | None = None) -> str:
        """Commit a rule book to the books."""
        writer = self.repo(BOOKS)
        there = self._files(writer)
        files = {"rules/prices.toml": prices, "rules/discounts.toml": discounts}
        return writer.commit({p: d for p, d in files.items() if d is not None or p in there})

    @property
    def config(self) -> Config:
        """The configuration as it is now."""
        return Config(
            state=self.folder / "state", repo=tuple(self._repos.values()), **self.settings
        )

    def write_config(self, *, name: str = "aggregator.toml") -> Path:
        """The same configuration as the file that the program reads."""
        return write_toml(self.folder / name, self.config_values())

    def config_values(self) -> dict[str, Any]:
        """What that file says."""
        repos = [repo.model_dump(mode="json", exclude_defaults=True) for repo in self.config.repo]
        return {"state": self.config.state, **self.settings, "repo": repos}

    def run(self, *arguments: str) -> Said:
        """Run the program with the configuration as it is now."""
        return run_aggregator("--config", str(self.write_config()), *arguments)

    @property
    def state(self) -> State:
        """The state directory."""
        return State(self.config)

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger as a process that was just started has it: made again from git when lost."""
        state = self.state
        with closing(opening(state).open_or_rebuild()) as store:
            yield Ledger(store, state.config)

    def pull(self, *names: str) -> dict[str, RepoReport]:
        """One pass of a new process over some repos; none named: over all."""
        with self.ledger() as ledger:
            return self.pull_into(ledger, *names)

    def pull_into(self, ledger: Ledger, *names: str) -> dict[str, RepoReport]:
        """One pass with a ledger that is open."""
        puller = Puller(self.state, ledger, lambda: self.now)
        found = puller.pull(skip=lambda name: bool(names) and name not in names)
        return {report.name: report for report in found}

    def fetch(self) -> None:
        """Bring the mirrors up to date and the ledger not, as a process does that dies then."""
        with self.ledger() as ledger:
            for repo in self.config.repo:
                fetch_repo(self.state, repo, ledger.store.cursors.of_repo(repo.name))

    def mortal_pull(self, statements: int | None) -> int:
        """One pass of a process that dies before the statement after these; how many it took.

        Raises:
            DeathError: it did die.
        """
        path = self.config.database_path
        uri = f"file:{path}?mode=rwc"
        with closing(
            sqlite3.connect(uri, uri=True, isolation_level=None, factory=MortalConnection)
        ) as connection:
            connection.row_factory = sqlite3.Row
            connection.statements_left = statements
            store = LedgerStore(connection)
            self.pull_into(Ledger(store, self.config))
            return connection.statements

    @contextmanager
    def reading(self) -> Iterator[LedgerStore]:
        """The database, for questions."""
        with closing(open_for_reading(self.config.database_path)) as store:
            yield store

    def digest(self) -> str:
        """The digest of the database."""
        with self.reading() as store:
            return digest(store)

    def rebuilt_digest(self) -> str:
        """The digest of a ledger made again from the accepted tips."""
        with scratch_ledger(self.state, self.state.mirrors.accepted_tips(), self.now) as store:
            return digest(store)

    def verify(self) -> Verification:
        """Compare the database with git."""
        with self.reading() as store:
            return verify(self.state, store, self.now, lambda *_: None, 20)

    def forget(self, *, mirrors: bool = False) -> None:
        """Lose the database, and the mirrors too when asked."""
        for path in self.config.state.glob("ledger.db*"):
            path.unlink()
        if mirrors:
            shutil.rmtree(self.config.mirrors_path)

    def balance(self, user: str = "alice") -> dict[str, Any]:
        """What `aggregator balance USER` says."""
        with self.reading() as store:
            return accounts.balance(store, user, self.now)

    def charges(self, user: str = "alice") -> list[dict[str, Any]]:
        """What `aggregator charges USER` says."""
        with self.reading() as store:
            ladder = Rater(rule_book_in_force(store)).ladder
            return list(accounts.charges(store, user, ladder))

    def held(self) -> list[dict[str, Any]]:
        """What `aggregator held` says."""
        with self.reading() as store:
            return list(repos.held(store))

    def rejects(self) -> list[dict[str, Any]]:
        """What `aggregator rejects` says."""
        with self.reading() as store:
            return list(repos.rejects(store))

    def incidents(self, *, closed: bool = False) -> list[dict[str, Any]]:
        """What `aggregator incidents` says."""
        with self.reading() as store:
            return repos.incidents(store, closed=closed)

    def open_kinds(self) -> list[tuple[str, str]]:
        """Repo and kind of every open incident."""
        return [(row["repo"], row["kind"]) for row in self.incidents()]

    def node(self, repo: str = "node-1") -> dict[str, Any]:
        """What `aggregator nodes` says of one repo."""
        with self.reading() as store:
            return next(row for row in repos.nodes(store) if row["repo"] == repo)


__all__ = [
    "BOOKS",
    "DAY",
    "NOW",
    "PRICES",
    "World",
    "decision_line",
    "money_line",
    "segment_path",
    "usage_line",
]
