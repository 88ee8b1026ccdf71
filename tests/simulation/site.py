"""A machine with a home: a node's, or the one where the operator keeps the books."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pygit2

from books.start import init_books
from gitmeter.git_remote.remote import Remote
from gitmeter.roles.role import Role
from node_pusher.home.home import new_home
from node_pusher.home.own_key import own_key
from node_pusher.joining.init import InitReport, init
from node_pusher.joining.trust import Vouched
from node_pusher.sending.push import push
from tests.simulation.boundaries import CALM, Boundaries, End, Plan
from tests.simulation.clock import Clock
from tests.simulation.disk import copy_database, copy_folder, remove_folder, replace_folder
from tests.simulation.forge import SEGMENTS, Repo
from tests.simulation.witness import Witness

RULES_FOLDER: Final = "rules"
READY: Final = "ready"
ABSENT: Final = "absent"
BEHIND: Final = "behind"


class Site:
    """A home and the machine it is on.

    Attributes:
        name: of the node.
        role: `usage` or `books`.
        repo: its repo on the forge.
        clock: the machine's.
        witness: what its clients know.
        needs: `ABSENT` until `init` came to its end, `BEHIND` until a rejoin did.
        is_old_copy: whether it was put back from a backup and has not rejoined.
        keys: the public keys that its homes ever signed with.
        home_number: counts the spools it has had, put-back ones too.
    """

    def __init__(self, folder: Path, repo: Repo, clock: Clock, boundaries: Boundaries) -> None:
        self.name = repo.name
        self.role: Role = "books" if repo.name == "books" else "usage"
        self.repo = repo
        self.clock = clock
        self.witness = Witness()
        self.needs = ABSENT
        self.is_old_copy = False
        self.keys: set[str] = set()
        self.home_number = 0
        self._only_committed: set[bytes] = set()
        self._folder = folder / self.name
        self._backup = folder / f"{self.name}.backup"
        self._boundaries = boundaries
        self.home = new_home(self._folder, self.name, Remote(repo.writer.url), role=self.role)

    def run(self, plan: Plan, action: Callable[[], Any]) -> End:
        """Run a process on the home."""
        return self._boundaries.process(self._folder, plan, action)

    def init(self, plan: Plan = CALM) -> End:
        """Make the home, or let it take over what the remote holds."""
        rejoin = self.needs == BEHIND

        def action() -> InitReport:
            vouched = Vouched(self.repo.tip)  # somebody looked at what others wrote there
            if self.role == "books":
                now = self.clock()
                return init_books(self.home, now, "the operator", rejoin=rejoin, vouched=vouched)[0]
            return init(self.home, self.clock(), rejoin=rejoin, vouched=vouched)

        end = self.run(plan, action)
        if end.done:
            self.keys.add(own_key(self.home.path, self.home.node).line)
            self.needs = READY
            self.is_old_copy = False
        return end

    def push(self, plan: Plan = CALM, *, by_hour: bool = False) -> End:
        """Commit and push."""
        return self.run(plan, lambda: push(self.home, self.clock(), by_hour=by_hour))

    def lose_disk(self) -> int:
        """The disk dies; returns how many acknowledged records went with it."""
        remove_folder(self._folder)
        self.needs = ABSENT
        self.is_old_copy = False
        return self._after_loss()

    def lose_spool(self) -> int:
        """The spool's file is lost; returns how many acknowledged records went with it.

        Those that are committed here are not lost: the commits will be pushed.
        """
        for file in self._folder.glob("spool.db*"):
            file.unlink()
        self.needs = ABSENT
        lost = self._after_loss()
        self._only_committed = self.lines_left() - self.repo.lines
        return lost

    def back_up(self) -> None:
        """Copy the home while nothing runs."""
        remove_folder(self._backup)
        copy_folder(self._folder, self._backup)

    @property
    def has_backup(self) -> bool:
        """Whether there is a copy to put back."""
        return self._backup.exists()

    def put_back(self) -> int:
        """Put the copy in the place of the home; returns how many acknowledged records that loses.

        The home must rejoin before it records: its spool knows no numbers given since.
        """
        copy = self._folder.with_name(f"{self.name}.copy")
        copy_folder(self._backup, copy)
        replace_folder(self._folder, copy)
        self.needs = BEHIND
        self.is_old_copy = True
        return self._after_loss()

    @property
    def may_record(self) -> bool:
        """Whether its clients may record: an old copy would give numbers a second time."""
        return self.needs != ABSENT and not self.is_old_copy

    def _after_loss(self) -> int:
        self.home_number += 1
        return self.witness.excuse(self.lines_left())

    def lines_left(self) -> set[bytes]:
        """Lines that are in the spool, in the commits here, or were ever on the remote."""
        return self.spooled() | self.repo.lines | set(self._committed())

    def lines_safe(self) -> set[bytes]:
        """Lines that are in the spool or were ever on the remote.

        Of those that lost their spool after they were committed, what is in the commits here.
        """
        safe = self.spooled() | self.repo.lines
        if self._only_committed - safe:
            safe |= self._only_committed & set(self._committed())
        return safe

    def spooled(self) -> set[bytes]:
        """The lines in the spool, read from a copy of its file."""
        file = self.home.spool_file
        if not file.exists():
            return set()
        copy = file.parent.with_name(f"{self.name}.spool-read")
        copy_database(file, copy)
        with closing(sqlite3.connect(copy)) as connection:
            try:
                return {bytes(row[0]) for row in connection.execute("SELECT line FROM records")}
            except sqlite3.OperationalError:
                return set()  # no tables yet

    def rule_files(self) -> set[str]:
        """The paths of the rule files in the newest commit made here."""
        return {
            f"{RULES_FOLDER}/{entry.name}"
            for _, tree in self._trees()
            if tree.name == RULES_FOLDER
            for entry in tree
        }

    def _committed(self) -> Iterator[bytes]:
        for repo, tree in self._trees():
            if f"{tree.name}/" in SEGMENTS:
                yield from _lines(repo, tree)

    def _trees(self) -> Iterator[tuple[pygit2.Repository, pygit2.Tree]]:
        """The folders of the newest commit made here."""
        path = self._folder / "repo.git"
        if not (path / "HEAD").exists():
            return
        repo = pygit2.Repository(str(path))
        branch = repo.references.get("refs/heads/main")
        if branch is not None:
            for entry in repo[branch.target].peel(pygit2.Tree):
                if isinstance(entry, pygit2.Tree):
                    yield repo, entry

    def stands_at(self, now: datetime) -> str:
        """Where the machine stands, for a person."""
        return f"{self.name} ({self.needs}, clock {now + self.clock.offset:%d %H:%M})"


def _lines(repo: pygit2.Repository, tree: pygit2.Tree) -> Iterator[bytes]:
    for entry in tree:
        if isinstance(entry, pygit2.Tree):
            yield from _lines(repo, entry)
        elif entry.id in repo and isinstance(entry, pygit2.Blob):
            yield from entry.data.splitlines(keepends=True)
