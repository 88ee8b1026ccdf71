"""Small worlds in which a node's history is rewritten and the operator accepts it. See `scenarios`.

The ledger is then the reference's over every line that an accepted tip reaches.
"""

from tests.aggregator.broken_variants.scenarios import expect
from tests.support.ledger.world import DAY, World, decision_line, segment_path, usage_line
from tests.support.reference import Ledger

LINES = [usage_line(seq=seq, units=seq, ts=f"2025-01-01T00:3{seq}:00Z") for seq in range(1, 7)]
PATHS = [segment_path(DAY, seq) for seq in range(1, 8)]


def accept(tip: str, *, seq: int = 1, repo: str = "node-1") -> bytes:
    """The decision that a history is accepted up to a commit."""
    return decision_line(seq=seq, kind="accept_tip", repo=repo, tip=tip)


def _rewritten(world: World) -> str:
    """Three commits are billed; a new history has the first, the second edited, and a fourth."""
    world.rules()
    writer = world.repo("node-1")
    first, *_ = writer.commits({PATHS[at]: LINES[at]} for at in range(3))
    world.pull()
    writer.commit(
        {PATHS[1]: usage_line(seq=2, units=1, ts="2025-01-01T00:32:00Z")}, parents=(first,)
    )
    return writer.commit({PATHS[3]: LINES[3]})


REWRITTEN = {*LINES[:4], usage_line(seq=2, units=1, ts="2025-01-01T00:32:00Z")}


def rewritten(world: World) -> Ledger:
    """What was billed before stays billed, new lines are added."""
    head = _rewritten(world)
    world.pull()
    world.decide(accept(head))
    world.pull()
    return expect(REWRITTEN)


def rewritten_then_lost(world: World) -> Ledger:
    """As `rewritten`, and the database is lost: the mirror has both histories."""
    rewritten(world)
    world.forget()
    world.pull()
    return expect(REWRITTEN)


def rewritten_twice_then_lost(world: World) -> Ledger:
    """Each history has a line that no other has."""
    rewritten(world)
    head = world.repo("node-1").orphan({PATHS[4]: LINES[4]})
    world.pull()
    world.decide(accept(head, seq=2))
    world.pull()
    world.forget()
    world.pull()
    return expect({*REWRITTEN, LINES[4]})


def accepted_below_the_head(world: World) -> Ledger:
    """The node pushed more commits above the one that the operator accepted."""
    head = _rewritten(world)
    world.repo("node-1").commit({PATHS[4]: LINES[4]})
    world.pull()
    world.decide(accept(head))
    world.pull()
    return expect({*REWRITTEN, LINES[4]})


def edited(world: World) -> Ledger:
    """A commit edits one billed file and deletes another; accepted, its new line is read."""
    world.rules()
    writer = world.repo("node-1")
    writer.commits({PATHS[at]: LINES[at]} for at in range(2))
    world.pull()
    changed = usage_line(seq=1, units=0, ts="2025-01-01T00:31:00Z")
    head = writer.commit({PATHS[0]: changed, PATHS[1]: None, PATHS[2]: LINES[2]})
    world.pull()
    world.decide(accept(head))
    world.pull()
    return expect({*LINES[:3], changed})


ALL = (
    *(rewritten, rewritten_then_lost, rewritten_twice_then_lost, accepted_below_the_head, edited),
)
