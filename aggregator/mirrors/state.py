"""The state directory: the ledger's file, the mirrors, and the lock that keeps one writer.

The mirrors are evidence: each knows in its own git configuration whose records it carries, so that
the ledger can be made again from them alone.
"""

import fcntl
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NamedTuple

from aggregator.admission.claims import LineRules
from aggregator.config.loading import Config
from aggregator.config.repos import KnownRepo, patterns_of
from aggregator.ledger.segments import SegmentReader
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.mirror import Mirror, MirrorError, sweep_locks
from aggregator.store import repo_rows
from aggregator.store.connection import read_meta, tips_of, upsert_meta, write_transaction
from cursors.rows import read_cursors, read_kept_tips
from gitmeter.support.errors import GitmeterError

_JUDGED_UNDER: Final = "judged_under"


class StateLockedError(GitmeterError):
    """Another aggregator works on this state directory; the same call works when it is done."""

    retry = True


class Tips(NamedTuple):
    """What was billed of one repo: everything that these commits reach.

    Attributes:
        cursor: the last commit that was applied.
        kept: tips of histories that the cursor does not build on.
    """

    cursor: str
    kept: frozenset[str] = frozenset()


def read_tips(connection: sqlite3.Connection) -> dict[str, Tips]:
    """What a database has as billed, by the repo's name."""
    kept = read_kept_tips(connection)
    cursors = read_cursors(connection)
    return {name: Tips(tip, kept.get(name, frozenset())) for name, tip in cursors.items()}


class State:
    """The aggregator's directory.

    Args:
        config: tells where it is and which repos are configured.

    Attributes:
        archived: the repos that are read no more.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.skew = timedelta(seconds=config.skew_s)
        self.archived = ArchivedRepos(config.state)
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
            for mirror in self.config.mirrors_path.glob("*.git"):
                sweep_locks(mirror)
            self.archived.sweep()
            yield

    def known_repos(self) -> list[KnownRepo]:
        """Configured repos, and mirrors and archives of repos that are configured no longer.

        Books come first, and of those the configured ones last: the rule book in force is theirs.
        """
        return self._known_and_unreadable()[0]

    def _known_and_unreadable(self) -> tuple[list[KnownRepo], list[str]]:
        """The known repos, and the names of those of which nothing says any more whose they are."""
        configured = {repo.name for repo in self.config.repo}
        known = {repo.name: repo.identity for repo in self.config.repo}
        unreadable: list[str] = []
        mirrors = {file.stem for file in self.config.mirrors_path.glob("*.git")}
        for name in (mirrors | set(self.archived.names())) - configured:
            try:
                identity = self._identity(name)
            except MirrorError:
                unreadable.append(name)
                continue
            if identity is not None:
                known[name] = identity
        unreadable += [name for name in self.archived.nameless() if name not in known]
        found = sorted(
            known.values(),
            key=lambda repo: (repo.role != "books", repo.name in configured, repo.name),
        )
        return found, unreadable

    def _identity(self, name: str) -> KnownRepo | None:
        """What the mirror or the archive of a repo says of it; None of a mirror just begun."""
        path = self.config.mirror_path(name)
        if path.exists():
            identity = Mirror.identity(path)
            return None if identity is None else _known(name, *identity)
        saved = self.archived.read(name)
        return _known(name, saved.node, saved.role, saved.branch, saved.allow)

    def open_mirror(self, repo: KnownRepo) -> Mirror:
        """Open (or make) a mirror; the caller drops it after the pass.

        That of an archived repo is unpacked for as long as anybody uses it.
        """
        node, role, allow = repo.judged_by
        identity = (node, role, repo.branch, allow)
        if self.is_archived(repo.name):
            return self.archived.open(repo.name, identity)
        return Mirror(self.config.mirror_path(repo.name), identity)

    def is_archived(self, name: str) -> bool:
        """Whether a repo has an archive in place of a mirror."""
        return self.archived.has(name) and not self.config.mirror_path(name).exists()

    def bring_back(self, repo: KnownRepo) -> None:
        """Put the mirror of a repo that is archived in its place again; the caller has the lock.

        Raises:
            MirrorError: the archive is damaged or lost.
        """
        if self.archived.has(repo.name):
            node, role, allow = repo.judged_by
            path = self.config.mirror_path(repo.name)
            self.archived.bring_back(repo.name, (node, role, repo.branch, allow), path)

    def remembered(self, repo: KnownRepo) -> tuple[str | None, frozenset[str]]:
        """What a repo's mirror or archive has as billed: the last commit, and the kept tips."""
        if self.is_archived(repo.name):
            saved = self.archived.read(repo.name)
            return saved.cursor, frozenset(saved.kept)
        if not self.config.mirror_path(repo.name).exists():
            return None, frozenset()
        mirror = self.open_mirror(repo)
        return mirror.applied, mirror.kept

    def open_mirror_named(self, name: str) -> Mirror:
        """Open the mirror of a known repo by its name."""
        return self.open_mirror(self._known(name))

    def segment_reader(self) -> SegmentReader:
        """Reads segments of all known repos, under the rules of each."""

        def rules_of(name: str) -> LineRules:
            repo = self._known(name)
            return LineRules(repo.node, self.skew, repo.allow or None)

        return SegmentReader(self.open_mirror_named, rules_of)

    def _known(self, name: str) -> KnownRepo:
        configured = (repo.identity for repo in self.config.repo if repo.name == name)
        repo = next(configured, None) or next(
            (repo for repo in self.known_repos() if repo.name == name), None
        )
        if repo is None:
            raise MirrorError(
                f"{name} is configured no longer and its mirror is gone",
                hint=f"restore {self.config.mirror_path(name)} from a backup",
            )
        return repo

    def is_judged_alike(self, connection: sqlite3.Connection) -> bool:
        """Whether all records were judged under today's limits, nodes, roles and permissions."""
        judged = repo_rows.judged_by(connection)
        return read_meta(connection, _JUDGED_UNDER) == self._limits and all(
            judged.get(repo.name, repo.identity.judged_by) == repo.identity.judged_by
            for repo in self.config.repo
        )

    def is_older_copy(self, connection: sqlite3.Connection) -> bool:
        """Whether the database is from before a rewritten history that was accepted since.

        A tip is kept in the mirror first, so the cursor itself may be among those.
        """
        kept, cursors = read_kept_tips(connection), read_cursors(connection)
        for repo in self.known_repos():
            applied, tips = self.remembered(repo)
            cursor = cursors.get(repo.name, "")
            is_replaced = cursor in tips and applied != cursor
            if is_replaced or not tips <= kept.get(repo.name, frozenset()) | {cursor}:
                return True
        return False

    def note_limits(self, connection: sqlite3.Connection) -> None:
        """Write into a new ledger which limits its records are judged under."""
        with write_transaction(connection):
            upsert_meta(connection, _JUDGED_UNDER, self._limits)

    @property
    def _limits(self) -> str:
        config = self.config
        return f"skew_s={config.skew_s} charge_cost_max_usd={config.charge_cost_max_usd}"

    def tips_to_rebuild(self) -> dict[str, Tips]:
        """The accepted tips, when none that the old database knows is lost.

        Raises:
            MirrorError: a repo was billed and its mirror or archive is gone; a ledger made without
                it would lack what its users consumed.
        """
        billed, kept = tips_of(self.config.database_path)
        for name in billed:
            if self.config.mirror_path(name).exists():
                mirror = self.open_mirror_named(name)
                mirror.advance_applied(billed[name])
                for tip in kept.get(name, frozenset()):
                    if mirror.has_commit(tip):
                        mirror.keep(tip)
        tips = self.accepted_tips()
        lost = {
            name
            for name in billed
            if name not in tips or not self._has_all(name, billed[name], kept.get(name, ()))
        }
        if lost:
            raise MirrorError(
                f"billed, but no mirror has it any more: {', '.join(sorted(lost))}",
                hint=f"restore it below {self.config.mirrors_path} from a backup, or let a pull"
                " fetch it again under the limits that the database was made with",
            )
        return tips

    def _has_all(self, name: str, cursor: str, kept: Iterable[str]) -> bool:
        """Whether what a mirror remembers reaches all that the database knows as billed."""
        if self.is_archived(name):
            saved = self.archived.read(name)
            if (saved.cursor, set(saved.kept)) == (cursor, set(kept)):
                return True  # whoever reads the archive checks it
        mirror = self.open_mirror_named(name)
        own = {mirror.applied, *mirror.kept} - {None}
        return all(
            mirror.has_commit(tip) and any(mirror.builds_on(mine, tip) for mine in own if mine)
            for tip in (cursor, *kept)
        )

    def accepted_tips(self) -> dict[str, Tips]:
        """What each mirror remembers as billed: the tips a lost ledger is made from.

        Raises:
            MirrorError: a mirror or an archive does not say whose it is; a ledger made without it
                might lack what its users consumed.
        """
        known, unreadable = self._known_and_unreadable()
        if unreadable:
            raise MirrorError(
                f"nothing says whose they are: {', '.join(sorted(unreadable))}",
                hint=f"restore them below {self.config.state} from a backup, or move them away"
                " if nothing of them was ever billed",
            )
        tips: dict[str, Tips] = {}
        for repo in known:
            applied, kept = self.remembered(repo)
            if applied is not None:
                tips[repo.name] = Tips(applied, kept - {applied})
        return tips


def _known(name: str, node: str, role: str, branch: str, allow: str) -> KnownRepo:
    return KnownRepo(name, node, role, branch, patterns_of(allow))
