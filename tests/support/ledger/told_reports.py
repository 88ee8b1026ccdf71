"""What reports of a ledger add up to, and what the answer to a case adds up to."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

from aggregator.reports.accounts import balances_at
from aggregator.reports.periods.liability import liability_report
from aggregator.reports.periods.period import parse_period
from aggregator.reports.periods.report import Report
from aggregator.reports.periods.revenue import FEES, RevenueBy, revenue_report
from aggregator.reports.periods.usage import BY, By, usage_report
from aggregator.reports.statements.statement import statement
from aggregator.store.store import LedgerStore
from tests.support.charged_case import users_of
from tests.support.ledger.told_exports import assert_exports_add_up
from tests.support.ledger.world import World
from tests.support.money_cases import Case
from wire_format.instants import parse_ts
from wire_format.money import parse_nano

Sums = dict[tuple[str, ...], dict[str, int]]

_OF_KEY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "day": lambda charge: charge["hour"][:10],
    "month": lambda charge: charge["hour"][:7],
    "user": lambda charge: charge["user"],
    "resource": lambda charge: charge["resource"],
}


def rows_of(report: Report) -> list[dict[str, Any]]:
    """The rows of a report by the names of its columns."""
    names = [column.name for column in report.columns]
    return [dict(zip(names, row, strict=True)) for row in report.rows]


def assert_reports_add_up(world: World, case: Case, expected: Mapping[str, Any]) -> None:
    """Usage, revenue and liability are what the charges, lines and grants of the answer come to."""
    with world.reading() as store:
        for period in ("all", "2026-11", "..2026-11-08"):
            for kept in ((), ("month",), ("day", "user"), ("user", "resource"), BY):
                assert _usage(store, period, kept) == _expected_usage(expected, period, kept)
            _assert_usage_of_users(store, case, expected, period)
            assert_exports_add_up(store, expected, parse_period(period, _NOW))
            for by in get_args(RevenueBy) if _are_told_once(case, expected) else ():
                assert _revenue(store, period, by) == _expected_revenue(case, expected, period, by)
        for at in case["ask"]:
            _assert_owed(store, expected, at)
            _assert_balances(store, parse_ts(at))
        for user in {row["user"] for row in store.reports.accounts()} & {*users_of(case)}:
            _assert_statements(store, case, expected, user)


def _usage(store: LedgerStore, period: str, kept: tuple[By, ...], user: str | None = None) -> Sums:
    report = usage_report(store, parse_period(period, _NOW), kept, user)
    found: Sums = {}
    for row in rows_of(report):
        found[tuple(str(row[name]) for name in kept)] = {
            **({"units": row["quantity"]} if "resource" in kept else {}),
            **({"included": row["included"]} if "resource" in kept else {}),
            "charges": row["charges"],
            "unrated": row["unrated_charges"],
            "list": row["list_cost"],
            "billed": row["billed_cost"],
            "drawn": row["drawn"],
        }
    total = dict(zip((column.name for column in report.columns), report.total, strict=True))
    assert total["billed_cost"] == sum(each["billed"] for each in found.values())
    assert total["uncovered"] == sum(each["billed"] - each["drawn"] for each in found.values())
    return found


def _assert_usage_of_users(
    store: LedgerStore, case: Case, expected: Mapping[str, Any], period: str
) -> None:
    """Of one user alone there is what is there of that user among all."""
    every = _expected_usage(expected, period, ("user", "resource"))
    known = {row["user"] for row in store.reports.accounts()}
    for user in known & {*users_of(case)}:
        own = {key[1:]: sums for key, sums in every.items() if key[0] == user}
        assert _usage(store, period, ("resource",), user) == own


def _expected_usage(expected: Mapping[str, Any], period: str, kept: tuple[By, ...]) -> Sums:
    found: Sums = defaultdict(lambda: defaultdict(int))
    for charge, is_priced in _charges(expected, period):
        sums = found[tuple(_OF_KEY[name](charge) for name in kept)]
        if "resource" in kept:
            sums["units"] += charge["quantity"]
            sums["included"] += charge["included"]
        sums["charges"] += 1
        sums["unrated"] += not is_priced
        sums["list"] += charge.get("list_nano", 0)
        sums["billed"] += charge.get("billed_nano", 0)
        sums["drawn"] += 0
    for drawn in _within(expected["drawn"], period):
        found[tuple(_OF_KEY[name](drawn) for name in kept)]["drawn"] += drawn["nano"]
    return {key: dict(sums) for key, sums in found.items()}


def _revenue(store: LedgerStore, period: str, by: RevenueBy) -> dict[str, int]:
    rows = rows_of(revenue_report(store, parse_period(period, _NOW), by))
    return {row[by]: row["revenue"] for row in rows if row["revenue"]}


def _expected_revenue(
    case: Case, expected: Mapping[str, Any], period: str, by: RevenueBy
) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    paid = {
        f"{line['provider']}:{line['external_ref']}"
        for line in _counted(case, expected, "grant")
        if line.get("category") == "paid"
    }

    def key(charge: Mapping[str, Any]) -> str:
        return "(usage)" if by == "plan" else _OF_KEY[by](charge)

    for charge, _ in _charges(expected, period):
        found[key(charge)] += charge.get("billed_nano", 0)
    for drawn in _within(expected["drawn"], period):
        found[key(drawn)] -= 0 if drawn["grant"] in paid else drawn["nano"]
    for line in _within(_counted(case, expected, "plan"), period):
        keys = {"resource": FEES, "plan": line["plan"], "month": line["hour"][:7]}
        found[{**keys, "user": line["user"]}[by]] += parse_nano(line.get("fee_usd", "0"))
    return {name: nano for name, nano in found.items() if nano}


def _are_told_once(case: Case, expected: Mapping[str, Any]) -> bool:
    """Whether no two lines of money or plans that count, by their name, say different things.

    Where a number was used twice, the answer does not say which of the two lines counts.
    """
    said: dict[str, Any] = {}
    for text in case["lines"]:
        name = f"{text['node']}:{text['seq']}"
        if text.get("kind") in {"grant", "plan"} and name in expected["counts"]:
            says = {key: text[key] for key in text.keys() - {"repo", "commit", "commit_ts"}}
            if said.setdefault(name, says) != says:
                return False
    return True


def _counted(case: Case, expected: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The lines of a kind that count, each once, with the hour of their time."""
    found = {
        f"{text['node']}:{text['seq']}": {**text, "hour": text["ts"]}
        for text in case["lines"]
        if text.get("kind") == kind and f"{text['node']}:{text['seq']}" in expected["counts"]
    }
    return list(found.values())


def _charges(expected: Mapping[str, Any], period: str) -> Iterator[tuple[Mapping[str, Any], bool]]:
    for name in ("charges", "unpriced"):
        for charge in _within(expected[name], period):
            yield charge, name == "charges"


def _within(rows: list[dict[str, Any]], period: str) -> Iterator[dict[str, Any]]:
    begin, end = _BOUNDS[period]
    return (row for row in rows if begin <= row["hour"] < end)


def _assert_statements(
    store: LedgerStore, case: Case, expected: Mapping[str, Any], user: str
) -> None:
    """Statements of one day after the other add up, and each is closed as the next one opens."""
    days = sorted({at[:10] for at in case["ask"]})
    closed: int | None = None
    for first, last in pairwise(days):
        before = (date.fromisoformat(last) - timedelta(days=1)).isoformat()
        found = statement(store, user, parse_period(f"{first}..{before}", _NOW), _NOW)
        opening, closing = found["opening_balance_nano"], found["closing_balance_nano"]
        assert closed in {None, opening}
        closed = closing
        sums = found["sums"]
        come = sums["money_nano"] - sums["fees_nano"] - sums["billed_cost_nano"]
        assert opening + come + sums["grants_begun_nano"] - sums["grants_ended_nano"] == closing
        assert sums["drawn_nano"] == sum(each["drawn_nano"] for each in found["grants"])
        for used in found["usage"]:
            told = (("units", "quantity"), *((f"{name}_cost_nano",) * 2 for name in _COSTS))
            for of_part, of_all in told:
                assert sum(part[of_part] for part in used["parts"]) == used[of_all]
        if (at := f"{last}T00:00:00Z") in case["ask"]:
            assert closing == expected["balance"][user][at]


def _assert_balances(store: LedgerStore, at: datetime) -> None:
    """What all accounts had at an instant is what each of them had."""
    for every in balances_at(store, None, at):
        (own,) = balances_at(store, every["user"], at)
        assert {name: own[name] for name in every} == every


def _assert_owed(store: LedgerStore, expected: Mapping[str, Any], at: str) -> None:
    report = liability_report(store, _NOW, parse_ts(at))
    sums = {row["what"]: row["amount"] for row in rows_of(report)}
    sums |= {row["what"]: row["amount_nano"] for row in report.head["beside"]}
    own = {
        user: expected["pool"][user][at] - expected["uncovered"][user][at]
        for user in expected["pool"]
    }
    assert sums["prepaid balances"] == sum(max(nano, 0) for nano in own.values())
    assert sums["debts of customers"] == sum(min(nano, 0) for nano in own.values())
    granted = sum(expected["balance"][user][at] - nano for user, nano in own.items())
    assert sums["paid grants"] + sums["promotional grants"] == granted
    for name, what in _BREAKAGE.items():
        assert sums[what] == sum(each[at][name] for each in expected["breakage"].values())


_NOW = datetime.fromisoformat("2026-12-24T12:00:00Z")
_BOUNDS = {
    "all": ("", "9"),
    "2026-11": ("2026-11", "2026-12"),
    "..2026-11-08": ("", "2026-11-09"),
}
_COSTS = ("list", "billed")
_BREAKAGE = {
    "promotional": "breakage of promotional grants",
    "paid": "breakage of paid grants",
    "voided": "left of void grants",
}
