"""A proposed price by the month, tried before it is in the books, says what it then does."""

from pathlib import Path

import pytest

from tests.support.ledger.world import World, money_line, usage_line

RESOURCE = "hero_os/seconds"
NOW = f"""\
[[price]]
resource = "{RESOURCE}"
usd = "1.00"
per = 1
from = 2025-01-01T00:00:00Z
"""
BY_MONTH = NOW.replace(
    'usd = "1.00"\n',
    'tiers = [{ up_to = 10, usd = "1.00" }, { usd = "0.50", flat_usd = "0.10" }]\n'
    'window = "month"\n',
)
USED = {
    "alice": ["2025-01-03T00:10:00Z", "2025-01-31T23:10:00Z", "2025-02-01T00:10:00Z"],
    "b:2": ["2025-02-03T05:10:00Z"],
}
UNITS = 8


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two accounts that used 8 units in each of some hours, at a dollar for each unit."""
    world = World(tmp_path)
    world.rules(NOW.encode(), b"# none\n")
    world.pay(money_line(), money_line(seq=2, user="b:2", external_ref="p2"))
    lines = [(user, at) for user, hours in USED.items() for at in hours]
    world.usage(
        *(
            usage_line(seq=seq, user=user, resource=RESOURCE, ts=at, units=UNITS)
            for seq, (user, at) in enumerate(lines, 1)
        )
    )
    assert world.run("pull").code == 0
    return world


def balances(world: World) -> dict[str, int]:
    return {row["user"]: row["balance_nano"] for row in world.run("balance", "--json").json}


@pytest.mark.parametrize(
    ("mode", "difference_usd"),
    [
        # January: 16 units, of which 6 are beyond the tenth; February has 8 of each account
        ("", "-2.90"),
        # the rate of all 16 is that of the last one
        ('mode = "volume"\n', "-7.90"),
    ],
    ids=["graduated", "volume"],
)
def test_tiers_by_the_month_change_the_balances_as_it_was_said(
    world: World, tmp_path: Path, mode: str, difference_usd: str
) -> None:
    """Units of a month count on, of each account apart; nothing changes by asking."""
    proposal = tmp_path / "prices.toml"
    proposal.write_text(BY_MONTH + mode)
    before = balances(world)
    found = world.run("reprice", str(proposal), "--json").json
    assert balances(world) == before
    nano = round(float(difference_usd) * 10**9)
    assert (found["charges"], found["difference_nano"]) == (4, nano)
    (row,) = found["accounts"]
    assert (row["user"], row["difference_nano"]) == ("alice", nano)
    world.rules((BY_MONTH + mode).encode(), b"# none\n")
    assert world.run("pull").code == 0
    after = balances(world)
    assert after == before | {"alice": before["alice"] - nano}
    assert row["proposed_balance_nano"] == after["alice"]
    assert world.run("verify").code == 0


def test_a_fault_of_a_proposal_names_the_line_that_the_person_has(
    world: World, tmp_path: Path
) -> None:
    """Also below the line that says what the file was made from."""
    proposal = tmp_path / "prices.toml"
    origin = f"# made from rule book {'0' * 64}\n"
    proposal.write_text(origin + BY_MONTH.replace("per = 1\n", ""))
    said = world.run("reprice", str(proposal))
    assert (said.code, "price #1 (line 2): must state per" in said.err) == (1, True)
