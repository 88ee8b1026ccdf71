"""Small worlds in which corrections decide what the ledger says. See `scenarios`."""

from tests.aggregator.broken_variants.scenarios import expect
from tests.support.ledger.world import World, decision_line, usage_line
from tests.support.reference import Ledger

ORIGINAL = usage_line(seq=1, units=10)


def correction(seq: int, units: int, **values: object) -> bytes:
    """A correction of record 1, unless `values` say otherwise."""
    return usage_line(**{"seq": seq, "units": units, "corrects": 1, "reason": "miscount", **values})


def _delivered(world: World, *segments: tuple[bytes, ...], at_once: bool = False) -> Ledger:
    """Each segment in a commit of its own, pulled one by one or all at once."""
    world.rules()
    for lines in segments:
        world.usage(*lines)
        if not at_once:
            world.pull()
    world.pull()
    return expect({line for lines in segments for line in lines})


def in_the_same_segment(world: World) -> Ledger:
    """A record and its correction arrive together."""
    return _delivered(world, (ORIGINAL, correction(2, -4)))


def after_its_original(world: World) -> Ledger:
    """A correction of what was charged long ago; charges of other users do not change."""
    other = usage_line(seq=2, units=5, user="b:2")
    return _delivered(world, (ORIGINAL, other), (correction(3, -4),))


def before_its_original(world: World) -> Ledger:
    """The segment with the correction is delivered first."""
    return _delivered(world, (correction(2, -4),), (ORIGINAL,))


def before_at_once(world: World) -> Ledger:
    """The correction comes before its record, within one batch."""
    return _delivered(world, (correction(2, -4),), (ORIGINAL,), at_once=True)


def to_zero(world: World) -> Ledger:
    """Everything is taken back: the charge stays, at nothing."""
    return _delivered(world, (ORIGINAL,), (correction(2, -10),))


def in_another_repo(world: World) -> Ledger:
    """The node moved to another repo before it found its mistake."""
    world.rules()
    world.usage(ORIGINAL)
    world.pull()
    world.repo("node-1-new", node="node-1")
    world.usage(correction(2, -4), repo="node-1-new")
    world.pull()
    return expect({ORIGINAL, correction(2, -4)})


def too_much_together(world: World) -> Ledger:
    """Each of two corrections could count, both together take more than there was."""
    return _delivered(world, (ORIGINAL,), (correction(2, -6), correction(3, -6)))


def brought_above_zero_by_a_third(world: World) -> Ledger:
    """Two corrections that take off too much, then one that adds units: all count."""
    return _delivered(
        world, (ORIGINAL,), (correction(2, -6),), (correction(3, -6),), (correction(4, 2),)
    )


def held_freed_and_held_again(world: World) -> Ledger:
    """Corrections take off too much, then not too much, then too much again, within one batch."""
    takes = [(correction(2, -11),), (correction(3, 4),), (correction(4, -9),)]
    return _delivered(world, (ORIGINAL,), *takes, at_once=True)


def of_another_time(world: World) -> Ledger:
    """The seq that is corrected is that of a record, the time is not."""
    return _delivered(world, (ORIGINAL,), (correction(2, -4, ts="2025-01-01T00:31:00Z"),))


def of_one_of_two_times(world: World) -> Ledger:
    """A number was given twice; the correction names the second one's time."""
    again = usage_line(seq=1, units=7, ts="2025-01-01T00:31:00Z")
    taken = correction(2, -8, ts="2025-01-01T00:31:00Z")
    return _delivered(world, (ORIGINAL,), (again,), (taken,), (correction(3, -8),))


def unlike_its_original(world: World) -> Ledger:
    """Corrections have another user, resource or category than the record."""
    others = [
        correction(2, -4, user="b:2"),
        correction(3, -4, resource="hero_os/minutes"),
        correction(4, -4, applies_to="llm"),
    ]
    return _delivered(world, (ORIGINAL,), tuple(others))


def of_a_correction(world: World) -> Ledger:
    """A correction is no record that can be corrected."""
    return _delivered(world, (ORIGINAL,), (correction(2, -4),), (correction(3, 2, corrects=2),))


def original_loses_a_conflict(world: World) -> Ledger:
    """A smaller line comes, too small for the correction; then one of another user."""
    rivals = [usage_line(seq=1, units=3), usage_line(seq=1, units=2, user="b:2")]
    return _delivered(world, (ORIGINAL,), (correction(2, -4),), *((rival,) for rival in rivals))


def corrections_in_conflict(world: World) -> Ledger:
    """Two lines under a correction's key: the one with fewer units counts."""
    return _delivered(world, (ORIGINAL,), (correction(2, -4),), (correction(2, -5),))


def redelivered(world: World) -> Ledger:
    """Record and correction come again in later commits, alone and together."""
    fix = correction(2, -4)
    return _delivered(world, (ORIGINAL,), (fix,), (fix,), (ORIGINAL, fix), (ORIGINAL,))


def original_is_excluded(world: World) -> Ledger:
    """What corrects a record that counts nothing counts nothing either."""
    excluded = decision_line(seq=1, kind="exclude", of="node-1", of_seq=1)
    _delivered(world, (ORIGINAL,), (correction(2, -4),))
    world.decide(excluded)
    world.pull()
    return expect({ORIGINAL, correction(2, -4)}, decisions={excluded})


def correction_is_excluded(world: World) -> Ledger:
    """Without the one that took too much the others count."""
    excluded = decision_line(seq=1, kind="exclude", of="node-1", of_seq=3)
    lines = (correction(2, -6), correction(3, -6))
    _delivered(world, (ORIGINAL,), lines)
    world.decide(excluded)
    world.pull()
    return expect({ORIGINAL, *lines}, decisions={excluded})


ALL = (
    *(in_the_same_segment, after_its_original, before_its_original, before_at_once, to_zero),
    *(in_another_repo, too_much_together, brought_above_zero_by_a_third),
    *(held_freed_and_held_again, of_another_time, of_one_of_two_times, unlike_its_original),
    *(of_a_correction, original_loses_a_conflict, corrections_in_conflict, redelivered),
    *(original_is_excluded, correction_is_excluded),
)
