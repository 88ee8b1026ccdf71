"""The forge: one bare repo for each node, and what others than the node do to it.

Histories are read with pygit2 alone, commit by commit, and kept: what a commit adds never changes.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pygit2

from tests.support.repos import RepoWriter

SEGMENTS = ("usage/", "payments/", "decisions/", "accounts/")
RULES = ("rules/prices.toml", "rules/discounts.toml", "rules/plans.toml")
ACCOUNT_KINDS = ("plan", "setting", "suspend", "reopen")
"""Of lines about accounts that the operator writes; they lie in a folder of their own."""

_KIND = re.compile(rb'"kind":"([a-z_]+)"')


def kind_of(line: bytes) -> str:
    """The kind of a line of the books; empty for lines without one."""
    found = _KIND.search(line)
    return "" if found is None else found[1].decode()


class Segment(NamedTuple):
    """A segment as a commit added it.

    Attributes:
        path: where it lies.
        lines: its lines, each with its newline.
    """

    path: str
    lines: tuple[bytes, ...]


class Commit(NamedTuple):
    """What one commit did.

    Attributes:
        parent: the commit before it.
        when: its date.
        segments: what it added, and what it made of others.
        rules: the files of `RULES`, as they are after it; None when it changed none of them.
        edits: whether it changed a segment that was there.
    """

    parent: str | None
    when: datetime
    segments: tuple[Segment, ...]
    rules: tuple[bytes | None, ...] | None
    edits: bool


@dataclass
class Repo:
    """One repo of the forge.

    Attributes:
        name: of the repo and its node.
        writer: writes into it past every node.
        folder: where it is.
        forged: lines that no node wrote.
        rewritten_from: the tip before somebody rewrote the branch; None while nobody did.
        is_edited: whether that was done by a commit on top of it.
        accepted: tips that the operator accepted.
        lines: all lines that the branch ever held.
    """

    name: str
    writer: RepoWriter
    folder: Path
    forged: set[bytes] = field(default_factory=set)
    rewritten_from: str | None = None
    is_edited: bool = False
    accepted: set[str] = field(default_factory=set)
    lines: set[bytes] = field(default_factory=set)
    _commits: dict[str, Commit] = field(default_factory=dict)
    _noted: str | None = None
    _dropped: set[bytes] = field(default_factory=set)

    @property
    def is_hidden(self) -> bool:
        """Whether nobody finds it at its address."""
        return not self.folder.exists()

    @property
    def tip(self) -> str | None:
        """Where the branch stands."""
        return self._noted if self.is_hidden else self.writer.tip()

    def note(self) -> None:
        """Remember what the branch holds now."""
        if self.tip != self._noted:
            self._noted = self.tip
            for commit in self.history(self.tip):
                for segment in commit.segments:
                    self.lines.update(segment.lines)

    def hide(self) -> None:
        """Take the repo from its address."""
        self.folder.rename(self._aside)

    def show(self) -> None:
        """Put it back."""
        self._aside.rename(self.folder)

    @property
    def _aside(self) -> Path:
        return self.folder.with_name(f"{self.name}.aside")

    def commit(self, files: Mapping[str, bytes | None], when: datetime) -> None:
        """Somebody commits on top of the branch."""
        self.writer.commit(files, when=when, message="not by the node")

    def force(self, commit: str) -> None:
        """Somebody rewrites the branch; the first tip before that is what is put back."""
        self.rewritten_from = self.rewritten_from or self.tip
        self.writer.force(commit)

    def put_back(self, billed: Collection[str]) -> None:
        """The operator puts back what the branch held.

        Not where it builds on that already, nor where the aggregator went on with the new history,
        which then held all that was billed.

        Args:
            billed: the commits that the aggregator knows as billed.
        """
        new, old = self.chain(self.tip), self.chain(self.rewritten_from)
        goes_on = any(commit in new and commit not in old for commit in billed)
        if old and not goes_on and (self.is_edited or old[0] not in new):
            self._dropped |= self._lines_of(new) - self._lines_of(old) - self.forged
            self.writer.force(old[0])
        self.rewritten_from, self.is_edited = None, False

    @property
    def is_shaky(self) -> bool:
        """Whether a home must not be lost now: it alone may have what the branch has no longer."""
        if self.rewritten_from is not None:
            return True
        if self._dropped:
            self._dropped -= self._lines_of(self.chain(self.tip))
        return bool(self._dropped)

    def _lines_of(self, commits: Iterable[str]) -> set[bytes]:
        return {
            line
            for commit in commits
            for segment in self._read(commit).segments
            for line in segment.lines
        }

    def accept(self) -> None:
        """The operator accepted the branch as it is."""
        self.rewritten_from, self.is_edited = None, False
        if self.tip is not None:
            self.accepted.add(self.tip)

    @property
    def was_accepted(self) -> bool:
        """Whether a rewritten history was accepted: then the mirror alone has all that counts."""
        return bool(self.accepted)

    def unaccepted_edits(self, tip: str) -> int:
        """How many commits of a history change segments and were not accepted."""
        chain = self.chain(tip)
        newest = min((chain.index(t) for t in self.accepted if t in chain), default=len(chain))
        return sum(self._read(commit).edits for commit in chain[:newest])

    def chain(self, tip: str | None) -> list[str]:
        """The commits of a history along first parents, newest first."""
        found = []
        while tip is not None:
            found.append(tip)
            tip = self._read(tip).parent
        return found

    def history(self, tip: str | None) -> list[Commit]:
        """What the commits up to a tip did, oldest first."""
        return [self._read(commit) for commit in reversed(self.chain(tip))]

    def commit_at(self, commit: str) -> Commit:
        """What one commit did."""
        return self._read(commit)

    def files(self) -> dict[str, bytes]:
        """Path to content at the tip."""
        tip = self.tip
        return {} if tip is None else self.writer.files(tip)

    def _read(self, commit: str) -> Commit:
        if commit not in self._commits:
            found = self.writer.repo[commit].peel(pygit2.Commit)
            before = self._paths(found.parents[0].tree) if found.parent_ids else {}
            after = self._paths(found.tree)
            added = sorted(
                path
                for path in after
                if path.startswith(SEGMENTS) and before.get(path) != after[path]
            )
            segments = tuple(Segment(path, self._lines(after[path])) for path in added)
            rules = None
            if any(before.get(path) != after.get(path) for path in RULES):
                rules = tuple(self._data(after[path]) if path in after else None for path in RULES)
            when = datetime.fromtimestamp(found.commit_time, UTC)
            parent = str(found.parent_ids[0]) if found.parent_ids else None
            edits = any(path in before for path in added)
            self._commits[commit] = Commit(parent, when, segments, rules, edits)
        return self._commits[commit]

    def _lines(self, blob: pygit2.Oid) -> tuple[bytes, ...]:
        return tuple(self._data(blob).splitlines(keepends=True))

    def _data(self, blob: pygit2.Oid) -> bytes:
        return self.writer.repo[blob].peel(pygit2.Blob).data

    def _paths(self, tree: pygit2.Tree) -> dict[str, pygit2.Oid]:
        return dict(self._walk(tree, ""))

    def _walk(self, tree: pygit2.Tree, prefix: str) -> Iterator[tuple[str, pygit2.Oid]]:
        for entry in tree:
            if isinstance(entry, pygit2.Tree):
                yield from self._walk(entry, f"{prefix}{entry.name}/")
            else:
                yield f"{prefix}{entry.name}", entry.id
