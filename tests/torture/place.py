"""The machines under torture: two nodes, the books, a forge over http with tokens, an aggregator.

All of it is real and lies in one folder. Set-up runs undisturbed.
"""

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gitmeter.git_remote.runner import clean_environment
from tests.support.files import write_secret, write_toml
from tests.support.git_http import GitHttpServer
from tests.support.reference import Row
from tests.support.repos import RepoWriter, bare_repo, set_hook
from tests.support.strategies import DEFAULT_LADDER, prices_toml
from tests.torture.killing import Ending, Runner

BOOKS: Final = "books"
NODES: Final = ("node-1", "node-2")
REPOS: Final = (BOOKS, *NODES)
USERS: Final = ("alice", "bob", "carol")
_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
PRICES: Final[list[Row]] = [
    {"resource": "hero_os/seconds", "usd": "3.60", "per": 3600, "from": _FROM},
    {"resource": "llm/acme/m1/tokens", "usd": "0.333333333", "per": 1_000_000, "from": _FROM},
    {
        "resource": "vm/small/seconds",
        "usd": "0.07",
        "per": 3600,
        "from": _FROM,
        "applies_to": "vm",
    },
]
LADDERS: Final = [DEFAULT_LADDER]
CATEGORIES: Final = {
    "hero_os/seconds": "hero_os_hourly",
    "llm/acme/m1/tokens": "llm",
    "vm/small/seconds": "vm",
}
_PROGRAMS: Final = Path(sys.executable).parent
_PULL_EVERY_S: Final = 5
_HOOK_S: Final = 0.05
"""Before and after the forge takes a push: time for a client to die in."""

_AGGREGATOR_TOKEN: Final = "aggregat0r"  # noqa: S105 - of a server that lives as long as the run


class SetupError(Exception):
    """A program failed although nobody disturbed it."""


class Place:
    """Everything that the programs work on.

    Args:
        folder: empty, and holds all of it.
        broken: a folder to put before all others on Python's path, to break the programs.

    Attributes:
        folder: as given.
        runner: starts the programs.
        server: the forge; use it in a `with` block.
    """

    def __init__(self, folder: Path, broken: Path | None = None) -> None:
        self.folder = folder
        environment = clean_environment() | {"HOME": str(folder)}
        if broken is not None:
            paths = [str(broken), *filter(None, [os.environ.get("PYTHONPATH")])]
            environment["PYTHONPATH"] = os.pathsep.join(paths)
        self.runner = Runner(environment)
        remotes = folder / "remotes"
        remotes.mkdir(parents=True)
        tokens = {}
        for repo in REPOS:
            bare = bare_repo(remotes / f"{repo}.git")
            for hook in ("pre-receive", "post-receive"):  # a forge has work of its own to do
                set_hook(bare, hook, f"sleep {_HOOK_S}\n")
            tokens[f"{repo}.git"] = {_token(repo): "write", _AGGREGATOR_TOKEN: "read"}
        self.server = GitHttpServer(remotes, tokens=tokens)  # type: ignore[arg-type] # literals

    def remote(self, repo: str) -> RepoWriter:
        """What the forge holds of a repo."""
        return RepoWriter(self.folder / "remotes" / f"{repo}.git")

    def home(self, repo: str) -> Path:
        """The home of a node or of the books."""
        return self.folder / "homes" / repo

    @property
    def state(self) -> Path:
        """The aggregator's state."""
        return self.folder / "state"

    @property
    def _signers(self) -> Path:
        """Whose commits the aggregator takes: each home's own key."""
        return self.folder / "allowed_signers"

    def on(self, repo: str, *arguments: str) -> list[str]:
        """A command line of `node-pusher`, or of `books` for the books."""
        program = "books" if repo == BOOKS else "node-pusher"
        return [str(_PROGRAMS / program), "--home", str(self.home(repo)), *arguments]

    def aggregator(self, *arguments: str) -> list[str]:
        """A command line of `aggregator`."""
        config = str(self.folder / "aggregator.toml")
        return [str(_PROGRAMS / "aggregator"), "--config", config, *arguments]

    def spool_files(self, repo: str) -> list[Path]:
        """Files that change when something is recorded in a home (or retired from it)."""
        return [self.home(repo) / "spool.db-wal"]

    def commit_files(self, repo: str) -> list[Path]:
        """Files that change when a home's repo gets a commit."""
        return [self.home(repo) / "repo.git" / "refs" / "heads" / "main"]

    def ledger_files(self) -> list[Path]:
        """Files that change when the aggregator writes; its fetches show as git programs."""
        return [self.state / "ledger.db-wal"]

    def must(self, command: list[str]) -> Ending:
        """Run a command that has to succeed.

        Raises:
            SetupError: it did not.
        """
        ending = self.runner.run(command)
        if ending.code != 0:
            raise SetupError(f"{' '.join(command)}: exit code {ending.code}\n{ending.err}")
        return ending

    def set_up(self) -> None:
        """Make the homes, the rule book and the aggregator's configuration.

        Raises:
            SetupError: a program failed.
        """
        signers = []
        for repo in REPOS:
            token = write_secret(self.folder / f"{repo}.token", _token(repo))
            told = () if repo == BOOKS else ("--node", repo)
            address = ("--remote", self.server.url(f"{repo}.git"), "--token-file", str(token))
            made = self.must(self.on(repo, "init", *told, *address, "--json"))
            signers.append(json.loads(made.out)["allowed_signers_line"])
        self._signers.write_text("\n".join([*signers, ""]))
        prices = self.folder / "prices.toml"
        prices.write_bytes(prices_toml(PRICES))
        self.must(self.on(BOOKS, "rules", "set", str(prices)))
        self._write_config()

    def _write_config(self) -> None:
        token = write_secret(self.folder / "aggregator.token", _AGGREGATOR_TOKEN)
        settings = {
            "state": self.state,
            "allowed_signers_file": self._signers,
            "pull_every_s": _PULL_EVERY_S,
            "pull_jitter_s": 0,
        }
        repos = [
            {
                "node": repo,
                "role": "books" if repo == BOOKS else "usage",
                "url": self.server.url(f"{repo}.git"),
                "token_file": token,
            }
            for repo in REPOS
        ]
        write_toml(self.folder / "aggregator.toml", {**settings, "repo": repos})


def _token(repo: str) -> str:
    return f"write-{repo}"
