"""More commits on a history that is applied: written to the remote, fetched, applied one by one."""

import resource
import time
from datetime import datetime

import pygit2

from aggregator.cli.context import Context, now
from aggregator.config.known_repo import KnownRepo
from aggregator.ledger.applied import Applied
from aggregator.ledger.ingest import Ingest, Rules, Stretch
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.segments import segment_reader
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.pulling.passes import Puller
from benchmarks.place import CommitFiles, Place
from cursors.position import advance
from wire_format.commit_message import parse_message


class History:
    """The repo of one node, and an aggregator with its cursor at the head.

    Args:
        place: where the repo's remote is.
        name: the name of repo and node.
        state: the state directory.
        ledger: the ledger; all of the repo's commits are applied.

    Attributes:
        cpu_s: the CPU time of applying commits the last time, from reading to the end of the
            transaction; what comes before it, such as judging the head, is not included.
    """

    def __init__(self, place: Place, name: str, state: State, ledger: Ledger) -> None:
        self.place = place
        self.name = name
        self.state = state
        self.ledger = ledger
        self.cpu_s = 0.0
        self.repo = next(repo for repo in state.config.repo if repo.name == name)
        self._known = KnownRepo(name, name, self.repo.role, self.repo.branch)
        self._origin = pygit2.Repository(str(place.origin(name)))

    @property
    def head(self) -> pygit2.Commit:
        """The head of the remote."""
        return self._origin.references["refs/heads/main"].peel(pygit2.Commit)

    @property
    def next_seq(self) -> int:
        """The number after those of all records on the remote."""
        summary = parse_message(self.head.message)
        if summary is None:
            raise RuntimeError(f"{self.head.id} states no records")
        return summary.last_seq + 1

    @property
    def mirror(self) -> Mirror:
        """The repo's mirror, open."""
        return self.state.mirrors.open(self._known)

    def push(self, made: CommitFiles) -> None:
        """Commit to the remote, as the node would."""
        head = self.head
        tree = head.tree
        for path, data in made.files.items():
            made_tree = _with_file(self._origin, tree, path.split("/"), data)
            tree = self._origin[made_tree].peel(pygit2.Tree)
        who = pygit2.Signature(
            self.name, f"{self.name}@example.invalid", int(made.at.timestamp()), 0
        )
        self._origin.create_commit("refs/heads/main", who, who, made.message, tree.id, [head.id])

    def apply(self, at: datetime) -> Applied:
        """Apply the new commits in the mirror; `record` is to follow.

        Args:
            at: the time of incidents; commits dated later are not read.
        """
        store, mirror = self.ledger.store, self.mirror
        position = advance(store.cursors.of_repo(self.name), mirror.head, mirror.first_parent)
        with store.transaction():
            row = store.repos.row(self.repo.identity)
        rules = Rules(segment_reader(self.state), at, at, ReadAhead())
        ingest = Ingest(self.ledger, row, mirror, rules)
        began_s = time.process_time()
        applied = ingest.run(Stretch(position.commits))
        self.cpu_s = time.process_time() - began_s
        if applied.commits != len(position.commits):
            raise RuntimeError(f"{len(position.commits)} commits were to be applied, not {applied}")
        return applied

    def record(self) -> None:
        """Let the mirror record what was applied."""
        cursor = self.ledger.store.cursors.of_repo(self.name)
        if cursor is not None:
            self.mirror.advance_applied(cursor)


def check_rebuild(place: Place, wanted: str) -> None:
    """Check that a ledger made anew from the mirrors has a digest.

    Raises:
        RuntimeError: it has another one.
    """
    place.forget()
    with Context(place.config_path, None, verbose=False).writing() as (state, ledger):
        for _ in Puller(state, ledger, now).pull():
            pass
        if digest(ledger.store) != wanted:
            raise RuntimeError("a rebuild has another result")


def cpu_s() -> float:
    """Of this process and of the programs that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _with_file(
    repo: pygit2.Repository, tree: pygit2.Tree | None, path: list[str], data: bytes
) -> pygit2.Oid:
    """Write a tree with one more file; return its id."""
    builder = repo.TreeBuilder() if tree is None else repo.TreeBuilder(tree)
    name, *below = path
    if not below:
        builder.insert(name, repo.create_blob(data), pygit2.enums.FileMode.BLOB)
        return builder.write()
    old = tree[name] if tree is not None and name in tree else None
    inner = _with_file(repo, old if isinstance(old, pygit2.Tree) else None, below, data)
    builder.insert(name, inner, pygit2.enums.FileMode.TREE)
    return builder.write()
