"""Books exchanged in the configuration: the rule book in force is that of a rebuild."""

from itertools import permutations
from pathlib import Path
from typing import NoReturn

import pytest

from aggregator.config.repos import RepoConfig
from aggregator.mirrors.mirror import OutOfResourcesError
from aggregator.mirrors.mirrors import Mirrors
from aggregator.proof.verify import LimitsChangedError
from tests.support.ledger.world import PRICES, World, money_line, usage_line

USED = 1_000_000
"""What one usage line costs under the first books, in nano-dollars."""


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three books with other prices each, of which none is configured."""
    made = World(tmp_path)
    for name, usd in (("books", b"3.60"), ("a-books", b"7.20"), ("z-books", b"36.00")):
        prices = PRICES.replace(b"3.60", usd)
        made.repo(name).commit({"rules/prices.toml": prices})
    made.usage(usage_line())
    return made


def use(world: World, name: str | None) -> None:
    """Configure these books and no others."""
    for other in COSTS:
        world._repos.pop(other, None)
    if name is not None:
        config = {"name": name, "node": name, "url": world.repo(name).url, "allow_unsigned": True}
        world._repos[name] = RepoConfig.model_validate({**config, "role": "books"})


COSTS = {"books": USED, "a-books": 2 * USED, "z-books": 10 * USED}


@pytest.mark.parametrize("order", [*permutations(COSTS, 2), *permutations(COSTS, 3)])
def test_the_configured_books_rate_and_a_rebuild_agrees(
    world: World, order: tuple[str, ...]
) -> None:
    """Whichever came before, there and back again."""
    for name in (*order, order[0]):
        use(world, name)
        world.pull()
        assert world.balance()["billed_cost_nano"] == COSTS[name]
        assert world.verify().matches
        assert world.rebuilt_digest() == world.digest()


def test_without_configured_books_the_last_by_name_rate(world: World) -> None:
    for name in ("z-books", "a-books"):
        use(world, name)
        world.pull()
    use(world, None)
    world.pull()
    assert world.balance()["billed_cost_nano"] == COSTS["z-books"]
    assert world.verify().matches


def test_books_that_withdraw_their_rules_leave_those_of_others_in_force(world: World) -> None:
    """Files that are both absent are no rule book, in the ledger and in a rebuild."""
    use(world, "z-books")
    world.pull()
    use(world, "books")
    world.pull()
    world.repo("books").commit({"rules/prices.toml": None})
    world.pull()
    assert world.verify().matches


def test_before_the_next_pull_nothing_is_compared(world: World) -> None:
    """The ledger still has the other books' rules in force, as it should until then."""
    use(world, "books")
    world.pull()
    use(world, "a-books")
    with pytest.raises(LimitsChangedError):
        world.verify()
    world.pull()
    assert world.verify().matches


def test_a_price_is_shown_from_the_books_in_force(world: World) -> None:
    for name in ("a-books", "books"):
        use(world, name)
        world.pull()
        said = world.run("explain", "alice", "hero_os/seconds", "2025-01-01T00").ok().out
        assert f"mirrors/{name}.git show" in said


OLD = "node-old"
UNITS = 100_000
"""Within the limit under the first books, beyond it under the dearest."""


@pytest.fixture
def dear(world: World) -> World:
    """A record that other books may hold, in a mirror that is not read any more."""
    world.settings["charge_cost_max_usd"] = 500
    for name in ("z-books", "books"):
        use(world, name)
        world.pull()
    world.usage(usage_line(node=OLD, units=UNITS, user="bob"), repo=OLD)
    world.pull()
    world.drop(OLD)
    return world


def goes_on_under_the_earlier(world: World, found: list[tuple[str, str]]) -> None:
    """All else is billed: other nodes, and payments in the new books."""
    world.usage(usage_line(seq=2))
    world.pay(money_line(node="z-books"), repo="z-books")
    reports = world.pull()
    assert {report.incident for report in reports.values()} == {None}
    assert world.open_kinds() == found
    assert world.balance()["billed_cost_nano"] == 2 * USED
    assert world.balance()["credit_nano"] > 0


def the_other_rates(world: World) -> None:
    world.pull()
    assert [kind for _, kind in world.open_kinds()] == ["record beyond limit"]
    assert world.balance()["billed_cost_nano"] == 2 * COSTS["z-books"]
    assert [row["reason"] for row in world.held()] == ["beyond_limit"]
    assert world.verify().matches


def test_where_lines_cannot_be_judged_under_its_prices_a_rule_book_waits(dear: World) -> None:
    dear.move_mirror_away(OLD)
    use(dear, "z-books")
    for _ in range(2):
        dear.pull()
    goes_on_under_the_earlier(dear, [(OLD, "rule book waits")])
    assert "cannot be judged again under other prices" in dear.incidents()[0]["detail"]
    dear.bring_back(OLD)
    the_other_rates(dear)


def test_the_wait_of_a_rule_book_ends_with_the_earlier_books(dear: World) -> None:
    dear.move_mirror_away(OLD)
    use(dear, "z-books")
    dear.pull()
    use(dear, "books")
    dear.pull()
    assert dear.open_kinds() == []
    assert dear.balance("bob")["billed_cost_nano"] == UNITS * USED


def test_a_machine_without_descriptors_lets_a_rule_book_wait_for_the_next_pass(
    dear: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_self: Mirrors, _name: str) -> NoReturn:
        raise OutOfResourcesError("too many open files", hint="wait")

    use(dear, "z-books")
    with monkeypatch.context() as patched:
        patched.setattr(Mirrors, "open_named", full)
        goes_on_under_the_earlier(dear, [])
    the_other_rates(dear)
