"""Rewritten histories that wait for a decision: what accepting one would repeat, add and change."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple

from aggregator.config.repos import RepoConfig
from aggregator.incidents.kinds import ACCEPTABLE
from aggregator.ledger.ingest import Ingest, Rules, Stretch
from aggregator.ledger.reading.ahead import ReadAhead
from aggregator.ledger.reading.segment import read_segment
from aggregator.ledger.segments import misplaced, segment_reader
from aggregator.mirrors.ancestry import reached
from aggregator.mirrors.commit_delta import ACCEPTED, AddedFile, commit_delta
from aggregator.mirrors.mirror import Mirror, MirrorError
from aggregator.mirrors.state import State
from aggregator.reports.preview import Effect, preview
from aggregator.store.store import LedgerStore
from cursors.position import Advance, HeadOutcome, advance
from gitmeter.support.errors import with_hint
from wire_format.faults import Fault
from wire_format.lines import encode_lines

LINES_COMPARED_MAX = 1_000_000


class Rewrite(NamedTuple):
    """What accepting a repo's head would do.

    Attributes:
        repo: the repo's name.
        kind: the incident that holds it.
        cursor, head, base: the billed commit, the fetched one, and the last that both contain.
        replaced: commits above the base that the head lacks; their records stay billed.
        commits: commits of the head that would be applied.
        repeated, new, gone: how many lines both sides have, only the new commits have, and only
            the replaced commits have; None if there are too many to compare.
        effects: the balances that would change.
        trouble: why the rest could not be found out; empty if it could.
        role: the repo's role; no decision accepts a history of the books.
    """

    repo: str
    kind: str
    cursor: str | None
    head: str | None
    base: str | None
    replaced: tuple[str, ...]
    commits: tuple[str, ...]
    repeated: int | None
    new: int | None
    gone: int | None
    effects: list[Effect]
    trouble: str = ""
    role: str = "usage"


class OversizedHistoryError(Exception):
    """A commit exceeds even the limits of what can be accepted, so nothing of it is examined."""


def rewrites(state: State, store: LedgerStore, now: datetime) -> list[Rewrite]:
    """Return what `accept-tip` would do for every repo that waits for it."""
    kinds = {
        row["repo"]: row["kind"]
        for row in store.reports.incidents(closed=False)
        if row["kind"] in ACCEPTABLE
    }
    found = []
    for repo in state.config.repo:
        if repo.name in kinds:
            try:
                rewrite = _rewrite(state, store, repo, kinds[repo.name], now)
            except (MirrorError, OversizedHistoryError) as error:
                rewrite = _unreadable(repo.name, kinds[repo.name], with_hint(error))
            if rewrite is not None:
                found.append(rewrite)
    return found


def _unreadable(repo: str, kind: str, trouble: str) -> Rewrite:
    """The entry of a repo that cannot be read, so that it does not hide the others."""
    return Rewrite(repo, kind, None, None, None, (), (), None, None, None, [], trouble)


def _rewrite(
    state: State, store: LedgerStore, repo: RepoConfig, kind: str, now: datetime
) -> Rewrite | None:
    mirror = state.mirrors.open(repo.identity)
    head, cursor = mirror.head, store.cursors.of_repo(repo.name)
    if head is None:
        return None
    tips = filter(None, (cursor, *store.cursors.kept_of(repo.name)))
    billed = {*reached(mirror, tips)}
    position = advance(cursor, head, mirror.first_parent, {head}, lambda: billed)
    new_side = reached(mirror, [head], billed)
    base = mirror.first_parent(new_side[0]) if new_side else head
    own = () if cursor is None else mirror.chain(cursor)
    replaced = tuple(takewhile(lambda commit: commit != base, own))
    ours = _lines(mirror, replaced, repo.role)
    theirs = _lines(mirror, new_side, repo.role)
    lines: tuple[int | None, ...] = (None, None, None)
    if ours is not None and theirs is not None:
        lines = (len(ours & theirs), len(theirs - ours), len(ours - theirs))
    return Rewrite(
        repo=repo.name,
        kind=kind,
        cursor=cursor,
        head=head,
        base=base,
        replaced=replaced,
        commits=position.commits,
        repeated=lines[0],
        new=lines[1],
        gone=lines[2],
        effects=_effects(state, store, repo, position, now),
        role=repo.role,
    )


def _effects(
    state: State,
    store: LedgerStore,
    repo: RepoConfig,
    position: Advance,
    now: datetime,
) -> list[Effect]:
    """Return the balances that applying the head would change, tried on a copy of the ledger."""
    if position.outcome not in {HeadOutcome.FAST_FORWARD, HeadOutcome.ACCEPTED}:
        return []
    with preview(state, store, now) as trial, ReadAhead() as ahead:
        row = trial.ledger.store.repos.row(repo.identity)
        rules = Rules(segment_reader(state), None, now, ahead)
        mirror = state.mirrors.open(repo.identity)
        stretch = Stretch(position.commits, accepted=len(position.commits))
        applied = Ingest(trial.ledger, row, mirror, rules).run(stretch)
        if applied.stop is not None:
            raise _too_large(applied.stop.commit, applied.stop.detail)
        return trial.effects()


def _lines(mirror: Mirror, commits: Sequence[str], role: str) -> set[bytes] | None:
    """Return the valid lines of commits; None if they are too many to hold in memory."""
    found: set[bytes] = set()
    read: set[tuple[str, str]] = set()
    for file in _files(mirror, commits):
        key = (file.path.partition("/")[0], file.blob)
        if key in read:
            continue
        read.add(key)
        if misplaced(file, role) is None:
            segment = read_segment(mirror, file)
            if not isinstance(segment, Fault):
                found.update(encode_lines([record]) for record in segment.records)
        if len(found) > LINES_COMPARED_MAX:
            return None
    return found


def _files(mirror: Mirror, commits: Iterable[str]) -> Iterator[AddedFile]:
    for commit in commits:
        delta = commit_delta(mirror, commit, ACCEPTED)
        if delta.oversized:
            raise _too_large(commit, delta.oversized)
        yield from delta.added
        yield from (file.after for file in delta.edited if file.after is not None)


def _too_large(commit: str, detail: str) -> OversizedHistoryError:
    return OversizedHistoryError(
        f"commit {commit} {detail}: no decision accepts it, the branch must be set back"
    )
