"""Hypothesis strategies for deliveries: the ways in which git may tell the same facts.

Any cut into segments and commits, segments delivered again in other commits and under other paths,
any interleaving of repos and pulls. Whatever is drawn, the ledger must come out the same.
"""

import itertools
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import strategies as st

from tests.support.repos import FIRST_COMMIT_AT, RepoWriter, segment_path
from tests.support.strategies import BOOKS, EPOCH, HOURS, Facts, Rules, rules

SEGMENTS_PER_COMMIT_MAX = 8


Files = dict[str, bytes | None]


class Commit(NamedTuple):
    """One commit to be: path to content (None takes a rule file away), and its date."""

    files: Files
    when: datetime


class Round(NamedTuple):
    """Commits land, then repos are pulled.

    Attributes:
        lands: for each name the next commit of that repo lands.
        pulls: the repos pulled after that, in this order.
    """

    lands: tuple[str, ...]
    pulls: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """One way of telling some facts.

    Attributes:
        histories: the commits of each repo (the nodes and `BOOKS`), oldest first.
        rounds: when they land and are seen; the last one pulls every repo after all landed.
    """

    histories: Mapping[str, tuple[Commit, ...]]
    rounds: tuple[Round, ...]


def land(writer: RepoWriter, commit: Commit) -> str:
    """Make the commit on the branch's tip, and return its id."""
    return writer.commit(commit.files, when=commit.when)


@st.composite
def deliveries(
    draw: st.DrawFn, facts: Facts, *, messy: bool = True, drafts: bool = True
) -> Delivery:
    """One way of telling `facts`.

    Args:
        draw: hypothesis gives it.
        facts: every line of them arrives at least once.
        messy: segments may also hold their lines in any order, and two of one number; otherwise
            `seq` ascends in each, as a well-kept node writes it.
        drafts: other rule books may be in force before the last one.
    """
    histories = {
        node: _dated(_in_commits(draw, segments_of(draw, lines, messy=messy), "usage"))
        for node, lines in facts.usage.items()
    }
    of_money = _in_commits(draw, segments_of(draw, facts.money, messy=messy), "payments")
    decided = _in_commits(draw, segments_of(draw, facts.decisions, messy=messy), "decisions")
    of_books = _interleaved(draw, of_money, decided)
    histories[BOOKS] = _dated(_with_rules(draw, of_books, facts.rules, drafts=drafts))
    return Delivery(histories, _rounds(draw, histories))


def segments_of(draw: st.DrawFn, lines: Iterable[bytes], *, messy: bool) -> list[bytes]:
    """Every line in some segment, in drawn order; some segments twice, some lines in others too."""
    ordered = sorted(lines, key=_by_seq)
    if not ordered:
        return []
    told = [ordered, *draw(st.lists(st.lists(st.sampled_from(ordered)), max_size=2))]
    segments = [segment for some in told for segment in _cut(draw, some, messy=messy)]
    again = draw(st.lists(st.sampled_from(segments), max_size=3))
    return draw(st.permutations(segments + again))


def _by_seq(line: bytes) -> tuple[int, bytes]:
    return json.loads(line)["seq"], line


def _cut(draw: st.DrawFn, lines: Sequence[bytes], *, messy: bool) -> list[bytes]:
    """Segments of one epoch each, and of a day or of any times."""
    parts: dict[tuple[object, ...], list[bytes]] = defaultdict(list)
    told: dict[tuple[object, ...], int] = defaultdict(int)
    pieces, by_day = draw(st.integers(1, 4)), draw(st.booleans())
    for line in lines if messy else sorted(set(lines), key=_by_seq):
        values = json.loads(line)
        day = (datetime.fromisoformat(values["ts"]) - HOURS[0]) // timedelta(days=1)
        part = (draw(st.integers(1, pieces)), (values["seq"] - 1) // EPOCH, day if by_day else 0)
        told[*part, values["seq"]] += 1
        parts[*part, 0 if messy else told[*part, values["seq"]]].append(line)
    shuffled = messy and draw(st.booleans())
    return [b"".join(draw(st.permutations(part)) if shuffled else part) for part in parts.values()]


def _in_commits(draw: st.DrawFn, segments: Sequence[bytes], folder: str) -> list[Files]:
    """Segments in order, a few to a commit, each under a path that was never used."""
    commits: list[Files] = []
    used: set[str] = set()
    for segment in segments:
        day = FIRST_COMMIT_AT.date() + timedelta(days=draw(st.integers(0, 2)))
        first_seq = json.loads(segment.partition(b"\n")[0])["seq"]
        while (path := segment_path(day, first_seq, folder=folder)) in used:
            day += timedelta(days=1)
        used.add(path)
        apart = draw(st.booleans())
        if apart or not commits or len(commits[-1]) == SEGMENTS_PER_COMMIT_MAX:
            commits.append({})
        commits[-1][path] = segment
    visited = draw(st.booleans())
    if visited and commits:
        commits[0]["README.md"] = b"For visitors; no segment.\n"
    return commits


def _interleaved(draw: st.DrawFn, ours: Sequence[Files], theirs: Sequence[Files]) -> list[Files]:
    """Two sequences as one, each in its own order."""
    merged = list(ours)
    at = 0
    for files in theirs:
        at = draw(st.integers(at, len(merged)))
        merged.insert(at, files)
        at += 1
    return merged


def _with_rules(
    draw: st.DrawFn, commits: Sequence[Files], last: Rules, *, drafts: bool
) -> list[Files]:
    """The rule book committed somewhere between the money, after drafts of it."""
    books = [*(draw(st.lists(rules(), max_size=1)) if drafts else []), last]
    positions = sorted(draw(st.integers(0, len(commits))) for _ in books)
    merged = list(commits)
    there: set[str] = set()
    for shift, (position, book) in enumerate(zip(positions, books, strict=True)):
        files = book.files()
        merged.insert(
            position + shift,
            {path: data for path, data in files.items() if data is not None or path in there},
        )
        there = {path for path, data in files.items() if data is not None}
    return merged


def _dated(commits: Iterable[Files]) -> tuple[Commit, ...]:
    """A minute apart, later than every `ts`."""
    return tuple(
        Commit(files, FIRST_COMMIT_AT + timedelta(minutes=number))
        for number, files in enumerate(commits)
    )


def _rounds(draw: st.DrawFn, histories: Mapping[str, Sequence[Commit]]) -> tuple[Round, ...]:
    """Any interleaving, seen at any points; at the end all of it is seen."""
    repos = sorted(histories)
    landing = draw(st.permutations([repo for repo in repos for _ in histories[repo]]))
    cuts = sorted(draw(st.lists(st.integers(0, len(landing)), max_size=4)))
    rounds = []
    for start, end in itertools.pairwise([0, *cuts]):
        pulls = draw(st.lists(st.sampled_from(repos), unique=True))
        rounds.append(Round(tuple(landing[start:end]), tuple(pulls)))
    rest = landing[cuts[-1] if cuts else 0 :]
    return (*rounds, Round(tuple(rest), tuple(draw(st.permutations(repos)))))
