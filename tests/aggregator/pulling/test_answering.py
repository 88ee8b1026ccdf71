"""When the ledger was brought up to date: not by a pass in which nobody answered."""

from datetime import timedelta
from pathlib import Path

from aggregator.store.store import PULLED_AT
from tests.support.ledger.world import World, usage_line
from wire_format.instants import format_ts


def pulled_at(world: World) -> str | None:
    """When it was, as those read it who decide by it."""
    with world.ledger() as ledger:
        return ledger.store.fact(PULLED_AT)


def test_a_pass_in_which_nobody_answers_brings_nothing_up_to_date(tmp_path: Path) -> None:
    """One repo that answers is enough, since nodes may be away for long; none is not."""
    world = World(tmp_path)
    world.rules()
    world.usage(usage_line())
    world.pull()
    first = pulled_at(world)
    assert first == format_ts(world.now)
    books, node = (world.repo(name).path for name in ("books", "node-1"))
    node.rename(node.with_suffix(".away"))
    world.now += timedelta(minutes=5)
    world.pull()
    second = pulled_at(world)
    assert second == format_ts(world.now) != first
    books.rename(books.with_suffix(".away"))
    for _ in range(2):
        world.now += timedelta(minutes=5)
        world.pull()
        assert pulled_at(world) == second
    books.with_suffix(".away").rename(books)
    world.pull()
    assert pulled_at(world) == format_ts(world.now)
