"""What others do to the repos of the forge: write again, forge, rewrite, take away."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Final

from tests.simulation.expected import BAD_RULES, GARBAGE
from tests.simulation.fleet import Fleet
from tests.simulation.forge import ACCOUNT_KINDS, Repo, Segment, kind_of
from tests.support.repos import USAGE_KEYS, encode_line, segment_path
from tests.support.strategies import ts_text

_TS: Final = re.compile(rb'"ts":"([^"]*)"')
_TERMS: Final = (
    (re.compile(rb'"fee_usd":"[^"]*"'), b'"fee_usd":"1.00"'),
    (re.compile(rb'"priority":[0-9]+'), b'"priority":20'),
    (re.compile(rb'"reason":"a reason"'), b'"reason":"another"'),
)
_DAY: Final = date(2024, 12, 1)


def _open_repo(fleet: Fleet, suits: Callable[[Repo], object] = lambda _repo: True) -> Repo | None:
    """A repo with a history that is where it belongs and as its node left it, or None."""
    usable = [
        repo
        for repo in fleet.repos.values()
        if not repo.is_hidden
        and repo.rewritten_from is None
        and repo.tip is not None
        and suits(repo)
    ]
    return fleet.random.choice(usable) if usable else None


def _segments(repo: Repo) -> list[Segment]:
    return [segment for commit in repo.history(repo.tip) for segment in commit.segments]


def _own_uses(repo: Repo) -> list[bytes]:
    """The usage lines at the tip that name the repo's node."""
    named = b'"node":"%b"' % repo.name.encode()
    lines = [line for segment in _segments(repo) for line in segment.lines]
    return [line for line in lines if named in line and b'"units":' in line]


def _add(fleet: Fleet, repo: Repo, lines: list[bytes], when: datetime | None = None) -> str:
    """Somebody commits lines on top of the branch, under a path that is free."""
    folder = "payments" if repo.name == "books" else "usage"
    if b'"by":' in lines[0]:
        folder = "decisions"
    if kind_of(lines[0]) in ACCOUNT_KINDS:
        folder = "accounts"
    there = repo.files()
    day = _DAY
    while (path := segment_path(day, 1, folder=folder)) in there:
        day += timedelta(days=1)
    repo.commit({path: b"".join(lines)}, when or fleet.time.now)
    return f"{repo.name}: {len(lines)} lines"


def segment_again(fleet: Fleet) -> str | None:
    """A segment is delivered again under another commit, byte for byte.

    Often one with lines that lay too far ahead of the first commit, which claim their key now.
    """
    repo = _open_repo(fleet, _segments)
    if repo is None:
        return None
    segments = _segments(repo)
    ahead = [
        segment
        for commit in repo.history(repo.tip)
        for segment in commit.segments
        if any(ts.decode() > ts_text(commit.when) for ts in _TS.findall(b"".join(segment.lines)))
    ]
    usable = ahead if ahead and fleet.random.random() < 0.6 else segments
    return _add(fleet, repo, list(fleet.random.choice(usable).lines))


def lines_again(fleet: Fleet) -> str | None:
    """Some lines of a segment are delivered again in any order."""
    repo = _open_repo(fleet, _segments)
    if repo is None:
        return None
    segments = _segments(repo)
    lines = fleet.random.choice(segments).lines
    return _add(fleet, repo, fleet.random.choices(lines, k=fleet.random.randint(1, len(lines) + 1)))


def conflicting_line(fleet: Fleet) -> str | None:
    """A line with other units under a key that is in use, or a correction that nobody made.

    Its commit may be dated before it.
    """
    repo = _open_repo(fleet, _own_uses)
    if repo is None:
        return None
    row = json.loads(fleet.random.choice(_own_uses(repo)))
    if fleet.random.random() < 0.5 and "corrects" not in row:
        change = {"seq": row["seq"] + 1, "corrects": row["seq"], "reason": "forged"}
        change["units"] = fleet.random.choice((-1, -10_000))
        row.pop("id", None)
    else:
        change = {"units": fleet.random.choice((0, 5, 10_000))}
    line = encode_line({**row, **change}, USAGE_KEYS)
    repo.forged.add(line)
    too_early = fleet.time.now - timedelta(days=40)
    return _add(fleet, repo, [line], too_early if fleet.random.random() < 0.4 else None)


def rival_of_the_books(fleet: Fleet) -> str | None:
    """A line of the books with other terms under a number that is in use."""
    repo = _open_repo(fleet, lambda each: each.name == "books")
    lines = [] if repo is None else [x for each in _segments(repo) for x in each.lines]
    usable = [line for line in lines if any(terms.search(line) for terms, _ in _TERMS)]
    if repo is None or not usable:
        return None
    line = fleet.random.choice(usable)
    for terms, other in _TERMS:
        line = terms.sub(other, line)
    repo.forged.add(line)
    return _add(fleet, repo, [line])


def line_of_another(fleet: Fleet) -> str | None:
    """A node carries a line that names another one."""
    repo = _open_repo(fleet, _own_uses)
    others = [each for each in fleet.repos.values() if each is not repo and _own_uses(each)]
    if repo is None or not others:
        return None
    line = fleet.random.choice(_own_uses(fleet.random.choice(others)))
    repo.forged.add(line)
    return _add(fleet, repo, [line])


def garbage(fleet: Fleet) -> str | None:
    """Lines that are none."""
    repo = _open_repo(fleet, _own_uses)  # of the books nothing else may be left to join
    if repo is None:
        return None
    line = GARBAGE + b"%d\n" % fleet.random.randint(1, 9)
    repo.forged.add(line)
    return _add(fleet, repo, [line])


def bad_rules(fleet: Fleet) -> str | None:
    """Somebody breaks the rule book by hand."""
    repo = fleet.repos["books"]
    if repo.is_hidden or repo.rewritten_from is not None or repo.tip is None:
        return None
    repo.commit({"rules/prices.toml": BAD_RULES}, fleet.time.now)
    return ""


def _may_rewrite(fleet: Fleet) -> Repo | None:
    """A repo of which the aggregator has something on record; before that any history is new."""
    return _open_repo(fleet, lambda repo: fleet.aggregator.applied(repo.name) is not None)


def forced_back(fleet: Fleet) -> str | None:
    """The branch is forced to an earlier commit."""
    repo = _may_rewrite(fleet)
    chain = [] if repo is None else repo.chain(repo.tip)
    if repo is None or len(chain) < 2:
        return None
    back = fleet.random.randrange(1, len(chain))
    repo.force(chain[back])
    return f"{repo.name}: by {back}"


def replaced_by_another_history(fleet: Fleet) -> str | None:
    """The branch is replaced by a history that shares nothing with it."""
    repo = _may_rewrite(fleet)
    if repo is None:
        return None
    tip = repo.tip
    repo.writer.orphan({"README.md": b"Another history.\n"})
    repo.rewritten_from = tip
    return repo.name


def segment_edited(fleet: Fleet) -> str | None:
    """A commit changes a segment that is there."""
    repo = _may_rewrite(fleet)
    segments = [] if repo is None else _segments(repo)
    if repo is None or not segments:
        return None
    segment, tip = fleet.random.choice(segments), repo.tip
    lines = list(segment.lines)
    if b'"units":' in lines[0]:
        lines[0] = re.sub(rb'"units":[0-9]+', b'"units":4', lines[0])
        repo.forged.add(lines[0])
    repo.commit({segment.path: b"".join([*lines, lines[0]])}, fleet.time.now)
    repo.rewritten_from, repo.is_edited = tip, True
    return repo.name


def old_history_put_back(fleet: Fleet) -> str | None:
    """The operator puts back what was there before."""
    repo = fleet.any_repo(lambda each: each.rewritten_from is not None and not each.is_hidden)
    if repo is None:
        return None
    repo.put_back(fleet.aggregator.billed(repo.name))
    return repo.name


def repo_hidden(fleet: Fleet) -> str | None:
    """The repo is gone from its address."""
    repo = _open_repo(fleet)
    if repo is None:
        return None
    repo.hide()
    return repo.name


def repo_shown(fleet: Fleet) -> str | None:
    """It is back."""
    repo = fleet.any_repo(lambda each: each.is_hidden)
    if repo is None:
        return None
    repo.show()
    return repo.name
