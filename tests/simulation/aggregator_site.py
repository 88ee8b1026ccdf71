"""The machine of the aggregator: its state directory, its clock and what happens to both."""

import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pygit2

from aggregator.cli import context
from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.ledger.ledger import Ledger
from aggregator.mirrors.state import State
from aggregator.pulling.passes import Puller
from aggregator.pulling.repo_pass import RepoReport
from aggregator.store.store import LedgerStore
from tests.simulation.boundaries import CALM, Boundaries, End, Plan, replaced
from tests.simulation.clock import Clock
from tests.simulation.disk import copy_database, remove_database, remove_folder
from tests.simulation.forge import Repo

UNSYNCED: Final = ("ledger.db-wal", "ledger.db.new-wal")
"""The aggregator does not wait for the disk when it commits: git has everything."""


class AggregatorSite:
    """The aggregator.

    Attributes:
        clock: the machine's.
        repos: the repos of the forge that it reads.
    """

    def __init__(
        self,
        folder: Path,
        repos: Sequence[Repo],
        clock: Clock,
        boundaries: Boundaries,
        signers: Path | None,
    ) -> None:
        self.clock = clock
        self.repos = repos
        self._folder = folder
        self._copy = folder.with_name(f"{folder.name}.copy.db")
        self._read = folder.with_name(f"{folder.name}.read.db")
        self._boundaries = boundaries
        self._signers = signers
        if signers is not None:
            signers.touch()
        self.config = Config(
            state=folder,
            allowed_signers_file=signers,
            fetch_workers=1,
            turn_s=3600,
            repo=tuple(
                RepoConfig.model_validate(_configured(repo, unsigned=signers is None))
                for repo in repos
            ),
        )

    @property
    def skew(self) -> timedelta:
        """How far a line may lie ahead of its commit."""
        return timedelta(seconds=self.config.skew_s)

    @property
    def database(self) -> Path:
        """The ledger's file."""
        return self.config.database_path

    def pull(self, plan: Plan = CALM, *, names: Sequence[str] = ()) -> End:
        """One `aggregator pull`, of some repos or of all."""

        def action() -> list[RepoReport]:
            with self._writing() as (state, ledger):
                puller = Puller(state, ledger, self.clock)
                return list(puller.pull(skip=lambda name: bool(names) and name not in names))

        return self._run(plan, action)

    def rebuild(self, plan: Plan = CALM) -> End:
        """One `aggregator rebuild`."""

        def action() -> None:
            state = State(self.config)
            with state.locked():
                context.opening(state).rebuild_in_place()

        return self._run(plan, action)

    @contextmanager
    def _writing(self) -> Iterator[tuple[State, Ledger]]:
        """As `aggregator.cli.context.Context.writing`."""
        state = State(self.config)
        with state.locked(), closing(context.opening(state).open_or_rebuild()) as store:
            yield state, Ledger(store, self.config)

    def _run(self, plan: Plan, action: Callable[[], Any]) -> End:
        with replaced(context, "now", self.clock), redirect_stderr(io.StringIO()):
            return self._boundaries.process(self._folder, plan, action, UNSYNCED)

    @contextmanager
    def reading(self) -> Iterator[LedgerStore | None]:
        """A copy of the database as it lies there, whatever happened; None without a ledger."""
        if not self.database.exists():
            yield None
            return
        copy_database(self.database, self._read)
        with closing(sqlite3.connect(self._read)) as connection:
            connection.row_factory = sqlite3.Row
            made = connection.execute("PRAGMA user_version").fetchone()[0]
            yield LedgerStore(connection) if made else None

    def tips(self) -> dict[str, list[str]]:
        """Up to where each repo is billed, the cursor last."""
        with self.reading() as store:
            return {} if store is None else tips_in(store)

    def cursors(self) -> dict[str, str]:
        """Up to where each repo is read."""
        return {repo: tips[-1] for repo, tips in self.tips().items()}

    def billed(self, name: str) -> set[str]:
        """The commits of a repo that the database or the mirror knows as billed last."""
        return {tip for tip in (self.cursors().get(name), self.applied(name)) if tip}

    def applied(self, name: str) -> str | None:
        """The commit that the mirror of a repo knows as billed."""
        mirror = self.config.mirror_path(name)
        if not (mirror / "HEAD").exists():
            return None
        reference = pygit2.Repository(str(mirror)).references.get("refs/aggregator/applied")
        return None if reference is None else str(reference.target)

    def lose_database(self) -> None:
        """The database is deleted."""
        remove_database(self.database)

    def back_up_database(self) -> None:
        """Copy the database while nothing runs."""
        copy_database(self.database, self._copy)

    @property
    def has_copy(self) -> bool:
        """Whether there is an older copy of the database."""
        return self._copy.exists()

    def put_back_database(self) -> None:
        """Put the older copy in the place of the database."""
        remove_database(self.database)
        copy_database(self._copy, self.database)

    def lose_mirror(self, name: str) -> None:
        """A mirror is deleted."""
        remove_folder(self.config.mirror_path(name))

    def has_mirrors(self) -> bool:
        """Whether everything that was billed is in a mirror."""
        return all(
            self._is_in_mirror(name, tip) for name, tips in self.tips().items() for tip in tips
        )

    def _is_in_mirror(self, name: str, tip: str) -> bool:
        """One that was deleted is made again, empty, when its repo cannot be fetched."""
        mirror = self.config.mirror_path(name)
        return (mirror / "HEAD").exists() and tip in pygit2.Repository(str(mirror))

    def another(self, folder: Path) -> "AggregatorSite":
        """An aggregator of the same repos that has read nothing yet."""
        return AggregatorSite(folder, self.repos, self.clock, self._boundaries, self._signers)

    def allow(self, keys: Iterable[str]) -> None:
        """Take the keys of the nodes into the allowed signers."""
        if self._signers is not None:
            self._signers.write_text("".join(f"{key}\n" for key in sorted(keys)))


def tips_in(store: LedgerStore) -> dict[str, list[str]]:
    """The tips that a ledger stands on, for each repo, the cursor last."""
    found: dict[str, list[str]] = {}
    for table in ("kept_tip", "cursor"):
        rows = store._connection.execute(f"SELECT repo, tip FROM {table} ORDER BY tip")  # noqa: S608 - a constant
        for repo, tip in rows:
            found.setdefault(repo, []).append(tip)
    return found


def _configured(repo: Repo, *, unsigned: bool) -> dict[str, Any]:
    role = "books" if repo.name == "books" else "usage"
    return {
        "name": repo.name,
        "node": repo.name,
        "role": role,
        "url": repo.writer.url,
        "allow_unsigned": unsigned,
    }
