"""Usage of an account, added up."""

from datetime import timedelta
from typing import Any

import pytest

from aggregator.reports.periods.period import Period
from aggregator.reports.periods.usage import By, usage_report
from gitmeter.keys.secret import make_key
from portal.api.customers import usage
from tests.portal.place import PortalPlace, problem
from tests.support.ledger.told_reports import rows_of
from wire_format.instants import hour_of, parse_short_ts
from wire_format.money import format_usd


def told(
    place: PortalPlace, *by: By, begin: str = "2026-11-01", end: str = "2026-12-01"
) -> list[dict[str, Any]]:
    """What `aggregator usage alice` says."""
    period = Period("", *(hour_of(parse_short_ts(text)) for text in (begin, end)))
    with place.world.reading() as store, store.view():
        return rows_of(usage_report(store, period, by, "alice"))


def use_for_days(place: PortalPlace) -> None:
    """Alice has a plan with a credit, and uses two things on days of three weeks; bob too."""
    place.world.plan("pro", fee="5.00")
    for day in range(16):
        place.world.use(day + 1)
        place.world.use(100 * (day + 1), "llm/tokens")
        place.world.use(7, user="bob")
        place.world.later(days=1)
    place.pull()


@pytest.mark.parametrize("by", ["day", "month"])
def test_usage_is_that_of_the_aggregator(place: PortalPlace, by: By) -> None:
    """Units, what the plan includes, costs and what grants paid, of each resource and period."""
    key = place.key()
    use_for_days(place)
    said = place.client(key).json(f"/v1/usage?by={by}&from=2026-11-01&until=2026-12-01")
    own = told(place, by, "resource")
    assert [
        (
            *(row["period"][: len(each[by])], row["resource"], row["quantity"], row["included"]),
            *(row["list_usd"], row["billed_usd"], row["granted_usd"]),
        )
        for row, each in zip(said["rows"], own, strict=True)
    ] == [
        (
            *(each[by], each["resource"], each["quantity"], each["included"]),
            *(format_usd(each[f"{name}"]) for name in ("list_cost", "billed_cost", "drawn")),
        )
        for each in own
    ]
    assert any(row["included"] for row in said["rows"])
    assert any(row["granted_usd"] != "0.00" for row in said["rows"])
    assert said["billed_usd"] == format_usd(sum(each["billed_cost"] for each in own))
    assert said["as_of"] is not None


def test_weeks_begin_on_mondays(place: PortalPlace) -> None:
    """A week has the usage of its seven days, and one that begins before the time only a part."""
    key = place.key()
    use_for_days(place)
    said = place.client(key).json("/v1/usage?by=week&from=2026-11-04&until=2026-12-01")
    days = told(place, "day", "resource", begin="2026-11-04")
    weeks: dict[tuple[str, str], int] = {}
    for each in days:
        day = parse_short_ts(each["day"])
        monday = f"{day - timedelta(days=day.weekday()):%Y-%m-%d}"
        weeks[monday, each["resource"]] = (
            weeks.get((monday, each["resource"]), 0) + each["quantity"]
        )
    assert {(row["period"], row["resource"]): row["quantity"] for row in said["rows"]} == weeks
    assert {monday for monday, _ in weeks} == {"2026-11-02", "2026-11-09", "2026-11-16"}


def test_without_a_time_it_is_that_of_the_last_30_days(place: PortalPlace) -> None:
    """Today is one of them."""
    place.world.later(days=29)
    place.world.use(1)
    key = place.key()
    place.pull()
    said = place.client(key).json("/v1/usage")
    assert (said["from"], said["until"]) == ("2026-11-02T00:00:00Z", "2026-12-01T01:00:00Z")
    assert [row["period"] for row in said["rows"]] == ["2026-11-02", "2026-12-01"]
    place.world.later(days=1)
    said = place.client(key).json("/v1/usage")
    assert [row["period"] for row in said["rows"]] == ["2026-12-01"]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("from=2026-01-01&until=2027-02-06", "by: these are 401 periods"),
        ("from=2000-01-01&until=2033-06-01&by=month", "by: these are 401 periods"),
        ("from=2026-01-05&until=2033-09-06&by=week", "by: these are 401 periods"),
        ("from=2026-11-02&until=2026-11-02", "until: must be later than from"),
        ("from=2026-11-02T00:30:00Z", "from: must be a full hour"),
        ("from=yesterday", "from: must be UTC such as"),
        ("from=2027-11-02", "from: must be earlier than now"),
        ("by=year", "by: must be"),
        ("group=node", "group: must be"),
        ("period=2026-11", "period: is not a known field"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_the_reason(
    place: PortalPlace, query: str, fault: str
) -> None:
    key = place.key()
    place.pull()
    found = place.client(key).get(f"/v1/usage?{query}")
    assert problem(found) == (422, "invalid")
    assert found.json()["faults"][0].startswith(fault)


def test_400_periods_are_answered(place: PortalPlace) -> None:
    key = place.key()
    place.pull()
    client = place.client(key)
    for query in (
        "from=2026-01-01&until=2027-02-05",
        "from=2000-01-01&until=2033-05-01&by=month",
        "from=2026-01-05&until=2033-09-05&by=week",
    ):
        assert client.get(f"/v1/usage?{query}").status_code == 200


def test_too_many_rows_are_refused(place: PortalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "ROWS_MAX", 1)
    place.world.use(1, "llm/tokens")
    key = place.key()
    place.pull()
    assert problem(place.client(key).get("/v1/usage")) == (422, "invalid")


def test_instances_are_those_of_the_lines(place: PortalPlace) -> None:
    """Read again from git, for a day, without costs; they add up to the charges."""
    key = place.key()
    for instance, units in (("a", 3), ("b", 4), ("a", 5), ("c", 6)):
        place.world.use(units, instance=instance)
    place.world.use(7, user="bob", instance="a")
    place.pull()
    said = place.client(key).json("/v1/usage?group=instance")
    assert [(row["instance"], row["quantity"], row["billed_usd"]) for row in said["rows"]] == [
        (None, 5, None),
        ("a", 8, None),
        ("b", 4, None),
        ("c", 6, None),
    ]
    assert said["adds_up"]
    assert said["billed_usd"] is None
    place.world.move_mirror_away("node-1")
    found = place.client(key).get("/v1/usage?group=instance")
    assert problem(found) == (503, "not-now")
    assert place.client(key).json("/v1/usage")["adds_up"] is None
    place.world.bring_back("node-1")


@pytest.mark.parametrize(
    ("query", "place_of_fault"),
    [
        ("by=week", "by"),
        ("from=2026-11-01&until=2026-11-02T01", "from"),
        ("from=2026-10-01", "from"),
    ],
)
def test_instances_of_more_than_a_day_are_refused(
    place: PortalPlace, query: str, place_of_fault: str
) -> None:
    key = place.key()
    place.pull()
    found = place.client(key).get(f"/v1/usage?group=instance&{query}")
    assert problem(found) == (422, "invalid")
    assert found.json()["faults"][0].startswith(f"{place_of_fault}: instances are told")


def test_more_lines_than_can_be_read_are_refused(
    place: PortalPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "JUDGED_MAX", 0)
    key = place.key()
    place.pull()
    found = place.client(key).get("/v1/usage?group=instance")
    assert problem(found) == (422, "invalid")


def test_an_account_that_the_ledger_has_not_read_waits(place: PortalPlace) -> None:
    """Its key was made at this desk a moment ago."""
    place.pull()
    desk, made = place.desk, make_key()
    assert desk is not None
    stated = {
        "key_id": made.key_id,
        "sha256": made.sha256,
        "scopes": ("balance:*", "payments:*", "usage:*"),
    }
    with desk.exclusive():
        desk.record([desk.new_line("key", "newcomer-1", "customer:x", **stated)])
    client = place.client(made)
    assert client.json("/v1/settings")["cap_usd"] is None
    for path in ("/v1/usage", "/v1/charges", "/v1/payments", "/v1/statements/2026-11"):
        assert problem(client.get(path)) == (503, "not-now")


def test_a_key_without_the_scope_sees_nothing(place: PortalPlace) -> None:
    key = place.key("alice", "balance:read")
    place.pull()
    client = place.client(key)
    paths = ("usage", "charges", "charges/x/explain", "payments", "statements/2026-11")
    for path in paths:
        assert problem(client.get(f"/v1/{path}")) == (403, "forbidden")
    assert problem(client.ask("PATCH", "/v1/settings", json={})) == (403, "forbidden")
