"""Small worlds in which the cost limit of a record or of a charge decides. See `scenarios`."""

from datetime import UTC, datetime
from typing import Any

from tests.aggregator.broken_variants.scenarios import PRICE, expect
from tests.support.ledger.world import World, usage_line
from tests.support.reference import Ledger
from tests.support.strategies import prices_toml

HONEST = usage_line(seq=1, units=3600)
MILLION = 10**9
"""Units that cost a million dollars, which is the limit, under `PRICES`."""
FAR_TOO_MUCH = usage_line(node="node-2", seq=1, units=2**53 - 1)


def _priced(usd: str, **values: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - as the file has them
    return [{**PRICE, "usd": usd, **values}]


def _rules(world: World, prices: list[dict[str, Any]]) -> None:
    world.rules(prices_toml(prices))
    world.pull("books")


def _told(world: World) -> None:
    """An honest line, then one that costs far too much."""
    world.usage(HONEST)
    world.usage(FAR_TOO_MUCH, repo="node-2")
    world.pull()


def far_too_much_at_once(world: World) -> Ledger:
    """Two nodes bill one user for one hour, and one of them too much."""
    world.rules()
    _told(world)
    return expect({HONEST, FAR_TOO_MUCH})


def far_too_much_after(world: World) -> Ledger:
    """What was billed before stays billed; the other node's next line counts too."""
    world.rules()
    world.usage(HONEST)
    world.pull()
    next_one = usage_line(node="node-2", seq=2, units=7200)
    world.usage(FAR_TOO_MUCH, next_one, repo="node-2")
    world.pull()
    return expect({HONEST, FAR_TOO_MUCH, next_one})


def dear_only_at_first(world: World) -> Ledger:
    """The resource was dear once, so many units are worth a look, and then they count."""
    later = {"usd": "0.36", "from": datetime(2024, 1, 1, tzinfo=UTC)}
    prices = [*_priced("3600"), {**PRICE, **later}]
    _rules(world, prices)
    lines = {usage_line(seq=1, units=MILLION), usage_line(seq=2, units=1)}
    world.usage(*sorted(lines))
    world.pull()
    return expect(lines, prices=prices)


def many_that_are_too_much(world: World) -> Ledger:
    """Each of two lines is within the limit, both together are not: the charge is the limit."""
    lines = [usage_line(seq=seq, units=MILLION) for seq in (1, 2)]
    world.rules()
    for line in lines:
        world.usage(line)
        world.pull()
    return expect(set(lines))


def price_after_the_line(world: World) -> Ledger:
    """Without a price nothing is too dear; the price comes later."""
    _rules(world, _priced("3.60", resource="other"))
    _told(world)
    world.rules()
    world.pull("books")
    return expect({HONEST, FAR_TOO_MUCH})


def dearer_after_the_line(world: World) -> Ledger:
    """The price rises, and a line that was billed becomes too dear."""
    lines = {HONEST, usage_line(node="node-2", seq=1, units=MILLION)}
    world.rules()
    world.usage(HONEST)
    world.usage(*(lines - {HONEST}), repo="node-2")
    world.pull()
    _rules(world, _priced("3.600001"))
    return expect(lines, prices=_priced("3.600001"))


def cheaper_after_the_line(world: World) -> Ledger:
    """The price falls, and a line that was held is billed."""
    lines = {HONEST, usage_line(node="node-2", seq=1, units=MILLION + 1)}
    world.rules()
    world.usage(HONEST)
    world.usage(*(lines - {HONEST}), repo="node-2")
    world.pull()
    _rules(world, _priced("3.59"))
    return expect(lines, prices=_priced("3.59"))


def price_taken_back(world: World) -> Ledger:
    """The rule book loses the price: what was too dear is unpriced like the rest."""
    world.rules()
    _told(world)
    other = _priced("3.60", resource="other")
    _rules(world, other)
    return expect({HONEST, FAR_TOO_MUCH}, prices=other)


def corrected_to_within(world: World) -> Ledger:
    """A miscount is held until its correction arrives, then both count."""
    miscount = usage_line(seq=1, units=10 * MILLION)
    taken_off = usage_line(seq=2, units=-(10 * MILLION - 5), corrects=1, reason="miscount")
    world.rules()
    for line in (miscount, taken_off):
        world.usage(line)
        world.pull()
    return expect({miscount, taken_off})


def corrected_to_far_too_much(world: World) -> Ledger:
    """Neither a record nor its correction is too dear, both together are, under a later price."""
    lines = {
        usage_line(seq=1, units=MILLION),
        usage_line(seq=2, units=MILLION, corrects=1, reason="miscount"),
        usage_line(seq=3, units=5),
    }
    _rules(world, _priced("0.36"))
    world.usage(*sorted(lines))
    world.pull()
    world.rules()
    world.pull("books")
    return expect(lines)


ALL = (
    *(far_too_much_at_once, far_too_much_after, dear_only_at_first, many_that_are_too_much),
    *(price_after_the_line, dearer_after_the_line, cheaper_after_the_line, price_taken_back),
    *(corrected_to_within, corrected_to_far_too_much),
)
