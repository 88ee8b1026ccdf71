"""Stories of desks: what they give to customers and settle about accounts."""

from typing import Any

from tests.support.money_cases import read_case
from tests.support.money_judging import JudgedLines, judge_lines
from tests.support.money_story import Story, When, at
from wire_format.instants import DAY_US, format_hour, hour_of, parse_ts, to_us

BEGIN = "2026-01-01T00:00:00Z"
USD = 1_000_000_000

WELCOME = {
    "name": "welcome",
    "from": BEGIN,
    "usd": "5.00",
    "days": 10,
    "category": "promotional",
    "priority": 50,
    "budget_usd": "10.00",
}
THANKS = {
    "name": "thanks",
    "from": BEGIN,
    "usd": "2.00",
    "category": "paid",
    "priority": 30,
    "scope": ["llm/*", "search/*"],
    "budget_usd": "100.00",
    "after_payment_usd": "10.00",
}
SORRY = {
    "name": "sorry",
    "from": BEGIN,
    "role": "support",
    "per_line_usd": "5.00",
    "per_account_month_usd": "6.00",
    "budget_usd": "20.00",
}


def desk_story(
    *templates: dict[str, Any], adjusts: tuple[dict[str, Any], ...] = (SORRY,), fees: str = "100"
) -> Story:
    """A story with two desks and tills, and templates of grants and adjustments."""
    story = Story(desks=("desk-1", "desk-2"))
    for desk in story.writers["desks"]:
        desk["fees_day_usd"] = fees
    story.writers["grants"] = list(templates or (WELCOME, THANKS))
    story.writers["adjusts"] = list(adjusts)
    return story


def give(
    story: Story,
    node: str,
    user: str,
    day: When,
    template: dict[str, Any] = WELCOME,
    **more: Any,  # noqa: ANN401 - any field of a line
) -> int:
    """A grant that is what a template says, but for what is given beside it; returns its number."""
    hour = hour_of(parse_ts(at(day)))
    days = template.get("days")
    values: dict[str, Any] = {"user": user, "kind": "grant", "provider": "manual"}
    values |= {"external_ref": f"{template['name']}:{user}", "amount": template["usd"]}
    values |= {"currency": "USD", "status": "succeeded", "scope": template.get("scope")}
    values |= {name: template[name] for name in ("category", "priority")}
    until = None if days is None else format_hour(hour + days * DAY_US // (3600 * 10**6))
    values |= {"from": format_hour(hour), "until": until}
    return story.line(node, day, **(values | more))


def adjust(
    story: Story,
    node: str,
    ref: str,
    amount: str,
    day: When,
    **more: Any,  # noqa: ANN401
) -> int:
    """An adjustment of alice, under a reference; returns its number."""
    values: dict[str, Any] = {"user": "alice", "kind": "adjustment", "provider": "manual"}
    values |= {"amount": amount, "currency": "USD", "status": "succeeded", "reason": "an outage"}
    return story.line(node, day, **(values | {"external_ref": ref} | more))


def void(story: Story, node: str, ref: str, hour: str, day: When, **more: Any) -> int:  # noqa: ANN401
    """The end of a grant from an hour on; returns its number."""
    values: dict[str, Any] = {"v": 2, "kind": "void", "of_provider": "manual", "of_ref": ref}
    return story.line(node, day, **(values | {"from": hour, "reason": "abuse"} | more))


def settle(story: Story, node: str, kind: str, day: When, **more: Any) -> int:  # noqa: ANN401
    """A line about the account of alice; returns its number."""
    values: dict[str, Any] = {"type": "account", "v": 2, "kind": kind, "user": "alice"}
    return story.line(node, day, **(values | more))


def claim(story: Story, node: str, digit: str, day: When, **more: Any) -> int:  # noqa: ANN401
    """A key of alice whose hash is one digit again and again; returns its number."""
    values: dict[str, Any] = {"key_id": digit * 16, "sha256": digit * 64, "scopes": ["llm"]}
    return settle(story, node, "key", day, **(values | more))


def judged(story: Story) -> JudgedLines:
    """What becomes of the lines of a story."""
    return judge_lines(read_case(story.case()))


def reasons(story: Story) -> dict[str, str | None]:
    """For each line of tills and desks, as `node:seq:amount`, why it does not stand or waits."""
    told = read_case(story.case())
    worths = judge_lines(told).worths
    return {
        f"{line.record.node}:{line.record.seq}:{getattr(line.record, 'amount', '')}": (
            None if (reason := worths[line.line].reason) is None else str(reason)
        )
        for lines in (*told.tills.values(), *told.desks.values())
        for line in lines
    }


def us(day: When) -> int:
    """Microseconds since 1970."""
    return to_us(parse_ts(at(day)))
