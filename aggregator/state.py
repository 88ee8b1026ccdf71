"""The state directory: the ledger's file, the mirrors, and the lock that keeps one writer.

The mirrors are evidence: each knows in its own git configuration whose records it carries, so that
the ledger can be made again from them alone.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from aggregator.config import Config, KnownRepo
from aggregator.database import evidence
from aggregator.database.connection import (
    cursors_of,
    read_meta,
    upsert_meta,
    write_transaction,
)
from aggregator.mirror import Mirror, MirrorError
from support.errors import GitmeterError

_JUDGED_UNDER: Final = "judged_under"


class StateLockedError(GitmeterError):
    """Another aggregator works on this state directory; the same call works when it is done."""

    retry = True


class State:
    """The aggregator's directory.

    Args:
        config: tells where it is and which repos are configured.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.skew = timedelta(seconds=config.skew_s)
        config.mirrors_path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer for as long as the block runs.

        Raises:
            StateLockedError: another process is.
        """
        path = self.config.state / "lock"
        with path.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateLockedError(
                    f"another aggregator works on {self.config.state}",
                    hint="one process writes at a time: wait for it, or stop the daemon first",
                ) from None
            self._sweep_locks()
            yield

    def _sweep_locks(self) -> None:
        """Remove what a process that died left locked; nobody else works here now."""
        for mirror in self.config.mirrors_path.glob("*.git"):
            for lock in (*mirror.glob("*.lock"), *mirror.glob("refs/**/*.lock")):
                lock.unlink(missing_ok=True)

    def known_repos(self) -> list[KnownRepo]:
        """Configured repos and mirrors of repos that are configured no longer.

        Books come first, and of those the configured ones last: the rule book in force is theirs.
        """
        configured = {repo.name for repo in self.config.repo}
        known = {repo.name: repo.identity for repo in self.config.repo}
        for path in sorted(self.config.mirrors_path.glob("*.git")):
            name = path.name.removesuffix(".git")
            if name not in known and (identity := Mirror.identity(path)) is not None:
                known[name] = KnownRepo(name, *identity)
        return sorted(
            known.values(),
            key=lambda repo: (repo.role != "books", repo.name in configured, repo.name),
        )

    def open_mirror(self, repo: KnownRepo) -> Mirror:
        """Open (or make) a mirror; the caller drops it after the pass."""
        path = self.config.mirror_path(repo.name)
        return Mirror(path, repo.branch, identity=(repo.node, repo.role))

    def open_mirror_named(self, name: str) -> Mirror:
        """Open the mirror of a known repo by its name."""
        repo = next((repo for repo in self.known_repos() if repo.name == name), None)
        if repo is None:
            raise MirrorError(
                f"{name} is configured no longer and its mirror is gone",
                hint=f"restore {self.config.mirror_path(name)} from a backup",
            )
        return self.open_mirror(repo)

    def is_judged_alike(self, connection: sqlite3.Connection) -> bool:
        """Whether all records were judged under today's limits, nodes and roles."""
        judged = evidence.identities(connection)
        return read_meta(connection, _JUDGED_UNDER) == self._limits and all(
            judged.get(repo.name, (repo.node, repo.role)) == (repo.node, repo.role)
            for repo in self.config.repo
        )

    def note_limits(self, connection: sqlite3.Connection) -> None:
        """Write into a new ledger which limits its records are judged under."""
        with write_transaction(connection):
            upsert_meta(connection, _JUDGED_UNDER, self._limits)

    @property
    def _limits(self) -> str:
        config = self.config
        return f"skew_s={config.skew_s} charge_cost_max_usd={config.charge_cost_max_usd}"

    def tips_to_rebuild(self) -> dict[str, str]:
        """The accepted tips, when none that the old database knows is lost.

        Raises:
            MirrorError: a repo was billed and its mirror is gone; a ledger made without it would
                lack what its users consumed.
        """
        billed = cursors_of(self.config.database_path)
        for name in billed:
            if self.config.mirror_path(name).exists():
                self.open_mirror_named(name).advance_applied(billed[name])
        tips = self.accepted_tips()
        if lost := sorted(billed.keys() - tips.keys()):
            raise MirrorError(
                f"billed, but no mirror is left: {', '.join(lost)}",
                hint=f"restore it below {self.config.mirrors_path} from a backup, or let a pull"
                " fetch it again under the limits that the database was made with",
            )
        return tips

    def accepted_tips(self) -> dict[str, str]:
        """What each mirror remembers as billed: the tips a lost ledger is made from."""
        tips: dict[str, str] = {}
        for repo in self.known_repos():
            if self.config.mirror_path(repo.name).exists():
                applied = self.open_mirror(repo).applied
                if applied is not None:
                    tips[repo.name] = applied
        return tips
