"""A stolen key of a desk, through a real ledger: what the thief gets, and the one command."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.gitmeter.money.desk_telling import BEGIN, adjust, desk_story, give, settle
from tests.support.ledger.told_case import outcome, tell
from tests.support.ledger.world import World
from tests.support.money_cases import answer
from tests.support.money_story import END, Story, at

STOLEN: Final = "desk-1"
USERS: Final = tuple(f"user-{number:04}" for number in range(12))
"""Accounts that the thief knows; the first four have paid 5.00 each."""

BUDGET: Final = 20
ADJUSTED: Final = 3
FEES_DAY: Final = 8
DAY: Final = datetime(2026, 11, 10, tzinfo=UTC)
"""On which the thief writes."""

SIGNUP: Final = {
    "name": "signup",
    "from": BEGIN,
    "usd": "5.00",
    "days": 30,
    "category": "promotional",
    "priority": 50,
    "budget_usd": f"{BUDGET}.00",
}
SORRY: Final = {
    "name": "sorry",
    "from": BEGIN,
    "role": "support",
    "per_line_usd": "1.00",
    "per_account_month_usd": "1.00",
    "budget_usd": f"{ADJUSTED}.00",
}


def plan(name: str, fee_usd: str | None, included: int, **more: object) -> dict[str, Any]:
    meter = {"name": "search", "match": ["search/*"], "included": included, "beyond": "bill"}
    fee = {} if fee_usd is None else {"fee_usd": fee_usd, "credit_usd": "1.00"}
    terms = {"name": name, "from": BEGIN, "cycle_hours": 48, "sold_by": ["desk"]}
    return {**terms, **fee, "meters": [meter], **more}


def desk_theft() -> Story:
    """What the rules allow a desk, and what accounts paid by way of the books."""
    story = desk_story(SIGNUP, adjusts=(SORRY,), fees=f"{FEES_DAY}.00")
    story.prices = [{"resource": "search/web", "from": BEGIN, "usd": "1.00"}]
    story.plans = [
        plan("free", None, 0, default=True),
        plan("pro", "2.00", 5),
        plan("power", "3.00", 50),
    ]
    for user in USERS[:4]:
        story.pay("books", f"cash:{user}", "5.00", 1, user=user, provider="manual")
    return story


def steal(story: Story) -> None:
    """Whatever a key of a desk can write, for everybody."""
    day = DAY.replace(hour=6)
    for user in USERS:
        give(story, STOLEN, user, day, SIGNUP)
        give(story, STOLEN, user, day, SIGNUP, until=None)
        give(story, STOLEN, user, day, SIGNUP, amount="500.00")
        give(story, STOLEN, user, day, SIGNUP, external_ref=f"thief:{user}")
        sorry = {"user": user, "reason": "sorry"}
        seq = adjust(story, STOLEN, f"sorry:{user}", "1.00", day, **sorry)
        adjust(story, STOLEN, f"sorry:again:{user}", "1.00", day, seq=seq, **sorry)
    for hour in range(7, 10):  # plans hourly, for those who paid and for others
        now = DAY.replace(hour=hour)
        period = {"from": at(now), "until": at(now + timedelta(days=2))}
        for user in USERS[:8]:
            sold = {"user": user, "plan": "pro", **period}
            settle(story, STOLEN, "plan", now, fee_usd="2.00", **sold)
            settle(story, STOLEN, "plan", now, **sold)  # for nothing
            up = {**sold, "plan": "power", "instead_of": "pro"}
            settle(story, STOLEN, "plan", now, fee_usd="0.00", **up)


def test_a_stolen_key_of_a_desk_gets_its_budgets_and_one_command_ends_it(tmp_path: Path) -> None:
    """Grants and adjustments as far as its budgets, plans only for money that accounts have."""
    story = desk_theft()
    settle(story, STOLEN, "open", 9, user="user-9999")
    honest = story.tip(STOLEN)
    steal(story)
    found = answer(story.case())
    granted = [
        grant
        for has in found["grants"].values()
        for grant in has[END]
        if grant["grant"].startswith("manual:")
    ]
    assert len(granted) * 5 == BUDGET
    adjusted = [name for name in found["counts"] if _kind(story, name) == "adjustment"]
    assert len(adjusted) == ADJUSTED
    sold = [name for name in found["counts"] if _kind(story, name) == "plan"]
    assert 0 < len(sold) * 2 <= FEES_DAY
    assert all(has[END] >= 0 for has in found["pool"].values())
    world = World(tmp_path / "stolen")
    tell(world, story.case(), Random(1))
    assert outcome(world)["counts"] == set(found["counts"])
    story.decide("only", 20, of=STOLEN, tip=honest)
    after = World(tmp_path / "decided")
    tell(after, story.case(), Random(2))
    counts = outcome(after)["counts"]
    assert counts == {f"{STOLEN}:1", *(f"books:{seq}" for seq in range(1, 5))}
    assert after.digest() == after.rebuilt_digest()


def _kind(story: Story, name: str) -> str:
    found = (line for line in story.lines if f"{line['node']}:{line['seq']}" == name)
    return str(next(found)["kind"])
