"""The faults stop: everything is mended, comes to rest, and must be as if nothing had happened."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from aggregator.reports import repos
from node_pusher.home.errors import NonFastForwardError
from node_pusher.spool.drafts import AHEAD_MAX
from tests.simulation import invariants
from tests.simulation.boundaries import CALM, End
from tests.simulation.expected import expect
from tests.simulation.fleet import DefectError, Fleet
from tests.simulation.site import BEHIND, READY, Site
from tests.simulation.witness import epoch_of

_TRIES_MAX: Final = 4
_AGO: Final = tuple(timedelta(hours=hours) for hours in (0, 7, 100))
"""How long ago the instants lie that are asked about in the end."""


def finish(fleet: Fleet) -> str:
    """Let everything come to rest; returns the digest of the ledger.

    Raises:
        DefectError: something that must hold does not.
    """
    _mend(fleet)
    for site in fleet.sites.values():
        _deliver(fleet, site)
    fleet.note()
    _pull(fleet)
    wrong = [*_of_sites(fleet), *_of_aggregator(fleet)]
    if wrong:
        raise DefectError("at rest: " + "\n  ".join(wrong[:8]))
    return invariants.digest_of(fleet.aggregator)


def _mend(fleet: Fleet) -> None:
    """Repos are where they were, clocks are right and past everything that was ever stated."""
    for repo in fleet.repos.values():
        if repo.is_hidden:
            repo.show()
        if repo.rewritten_from is not None:
            repo.put_back(fleet.aggregator.billed(repo.name))
    fleet.note()
    clocks = [fleet.aggregator.clock, *(site.clock for site in fleet.sites.values())]
    fleet.time.now = max([fleet.time.now, *(clock.latest for clock in clocks)]) + timedelta(hours=1)
    for clock in clocks:
        clock.offset = timedelta()


def _deliver(fleet: Fleet, site: Site) -> None:
    """The home is sound, records something new, and the remote holds all of it."""
    for _ in range(_TRIES_MAX):
        if site.needs != READY:
            _well(site.init())
        before = len(site.witness.acknowledged)
        while len(site.witness.acknowledged) == before:  # it may only retry, or be refused
            if site.role == "usage":
                _well(fleet.clients[site.name].record(CALM))
            else:
                _well(fleet.operator.move_money(CALM))
        fleet.time.pass_by(AHEAD_MAX)  # what was recorded ahead of the clock waits for it
        end = site.push()
        if isinstance(end.error, NonFastForwardError):
            site.needs = BEHIND
            continue
        _well(end)
        return
    raise DefectError(f"{site.name}: the remote never takes what is here")


def _well(end: End) -> End:
    if not end.done:
        raise DefectError(f"at rest, and yet: {type(end.error).__name__}: {end.error}")
    return end


def _pull(fleet: Fleet) -> None:
    for report in _well(fleet.aggregator.pull()).value:
        repo = fleet.repos[report.name]
        # the books may have lost the decision with a disk, or the branch went back and forth
        if report.incident in {"rewritten", "edited history"} and repo.was_accepted:
            _well(fleet.chair.accept_tip(repo))
            repo.accept()
            _well(fleet.books.push())
            _well(fleet.aggregator.pull())
    fleet.note()
    for report in _well(fleet.aggregator.pull()).value:
        if report.incident or report.commits or str(report.outcome) not in {"unchanged", "empty"}:
            raise DefectError(f"not at rest: {report}")
    for name, repo in fleet.repos.items():
        if fleet.aggregator.cursors().get(name) != repo.tip:
            raise DefectError(f"{name}: the cursor is not on the head")


def _of_sites(fleet: Fleet) -> Iterator[str]:
    tips = fleet.aggregator.tips()
    now = fleet.aggregator.clock()
    seen = expect(fleet.repos.values(), tips, fleet.aggregator.skew, now).seen
    for name, site in fleet.sites.items():
        yield from invariants.of_site(site)
        if left := site.spooled():
            yield f"{name}: {len(left)} records are still in the spool"
        billed = [commit for tip in tips.get(name, ()) for commit in site.repo.history(tip)]
        there = {line for commit in billed for s in commit.segments for line in s.lines}
        for line in site.witness.missing(there):
            yield f"{name}: acknowledged, and in no accepted history: {line.decode().strip()}"
        yield from _unnamed(fleet, site, seen[name])


def _unnamed(fleet: Fleet, site: Site, seen: set[int]) -> Iterator[str]:
    """Records that went with a disk are named as a gap, or are in a tail that is not proved."""
    with fleet.aggregator.reading() as connection:
        assert connection is not None
        rows = {row["node"]: row for row in repos.nodes(connection)}
    row = rows[site.name]
    for line, seq in site.witness.acknowledged.items():
        if seq in seen or line not in site.witness.excused:
            continue
        in_gap = any(gap["first_seq"] <= seq <= gap["last_seq"] for gap in row["gaps"])
        in_tail = any(
            tail["first_epoch"] <= epoch_of(seq) <= tail["last_epoch"]
            for tail in row["unproved_tails"]
        )
        if not in_gap and not in_tail:
            yield f"{site.name}: seq {seq} is lost, and nothing says so"


def _of_aggregator(fleet: Fleet) -> Iterator[str]:
    aggregator = fleet.aggregator
    yield from invariants.of_ledger(aggregator)
    hour = aggregator.clock().replace(minute=0, second=0, microsecond=0)
    yield from invariants.of_instants(aggregator, [hour - ago for ago in _AGO])
    yield from invariants.of_verify(aggregator, aggregator.clock())
    ours = invariants.digest_of(aggregator)
    if invariants.rebuilt_digest(aggregator, aggregator.clock()) != ours:
        yield "a rebuild has another digest"
    if any(repo.was_accepted for repo in fleet.repos.values()):
        return  # the mirrors hold histories that the remotes have no longer
    other = aggregator.another(fleet.folder / "undisturbed")
    _well(other.pull())
    if invariants.digest_of(other) != ours:
        yield "an undisturbed aggregator has another digest"
    shutil.rmtree(fleet.folder / "undisturbed")
