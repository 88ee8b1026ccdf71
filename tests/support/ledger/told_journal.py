"""What a journal of a ledger comes to, by hledger, and what the reports say it must."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise

from aggregator.reports.exports.journal.entries import EntriesBy
from aggregator.reports.exports.journal.journal import journal_entries, journal_head
from aggregator.reports.exports.journal.writing import entry_texts, head_lines
from aggregator.reports.periods.liability import liability_report
from aggregator.reports.periods.period import FIRST_HOUR, Period
from aggregator.reports.periods.revenue import FEES, revenue_report
from aggregator.store.store import LedgerStore
from tests.support import hledger
from wire_format.instants import hour_of, hour_start, parse_ts

MADE_FROM = {"tips": {}, "digest": "", "sha256": ""}
_CONTRA = "liabilities:contra:promotional"


def journal_of(store: LedgerStore, hours: tuple[int, int], by: EntriesBy = "day") -> str:
    """The journal of some clock hours."""
    period, used = Period("some hours", *hours), set[str]()
    entries = list(entry_texts(journal_entries(store, period, by), used))
    head = head_lines(journal_head(store, period, period.end_hour, MADE_FROM), used)
    return "\n".join([*head, *entries, ""])


def assert_journals_add_up(store: LedgerStore, instants: Iterable[str], now: datetime) -> None:
    """Journals up to some instants, and of the time between them, are what the reports say.

    And those of two periods that follow each other are together that of both.
    """
    hours = sorted({hour_of(parse_ts(at)) for at in instants})
    whole = {hour: _assert_adds_up(store, (FIRST_HOUR, hour), now) for hour in hours}
    for first, end in pairwise(hours):
        part = _assert_adds_up(store, (first, end), now)
        _assert_chained(whole[first], part, whole[end])


def _assert_adds_up(store: LedgerStore, hours: tuple[int, int], now: datetime) -> Mapping[str, int]:
    journal = journal_of(store, hours)
    hledger.check(journal)
    found = hledger.balances(journal)
    by_month = journal_of(store, hours, "month")
    hledger.check(by_month)
    assert hledger.balances(by_month) == found
    _assert_owed(store, found, hours[1], now)
    _assert_earned(store, found, hours)
    return found


def _assert_owed(
    store: LedgerStore, found: Mapping[str, int], end_hour: int, now: datetime
) -> None:
    owed = _owed(store, end_hour, now)
    assert -found.get("liabilities:prepaid", 0) == (
        owed["prepaid balances"] + owed["debts of customers"]
    )
    assert -found.get("liabilities:grants:paid", 0) == owed["paid grants"]
    assert -found.get("liabilities:grants:promotional", 0) == owed["promotional grants"]
    assert _below(found, _CONTRA) == owed["promotional grants"]
    assert _below(found, "") == 0


def _assert_earned(store: LedgerStore, found: Mapping[str, int], hours: tuple[int, int]) -> None:
    report = revenue_report(store, Period("some hours", *hours), "resource")
    names = [column.name for column in report.columns]
    rows = [dict(zip(names, row, strict=True)) for row in report.rows]
    assert -_below(found, "revenue:") == dict(zip(names, report.total, strict=True))["revenue"]
    assert -_below(found, "revenue:plans:") == sum(
        row["fees"] for row in rows if row["resource"] == FEES
    )
    for row in rows:
        if row["resource"] != FEES:
            assert -found.get(f"revenue:usage:{row['resource']}", 0) == row["billed_cost"]
            promotional = found.get(f"revenue:promotional:{row['resource']}", 0)
            assert promotional == row["promotional"]
    before, after = (_owed(store, hour, hour_start(hours[1])) for hour in hours)
    for what, account in _BREAKAGE.items():
        assert -found.get(account, 0) == after[what] - before[what]


def _assert_chained(
    before: Mapping[str, int], part: Mapping[str, int], whole: Mapping[str, int]
) -> None:
    """A journal, the one that follows it and that of both have the same balances."""
    begun = f"{_CONTRA}:begun"
    for account in {*before, *part, *whole} - {"equity:opening"}:
        had, has = before.get(account, 0), part.get(account, 0)
        if account == begun:
            has -= _below(before, _CONTRA)
        elif account.startswith(("assets:", "liabilities:")) and not account.startswith(_CONTRA):
            had = 0
        assert (account, had + has) == (account, whole.get(account, 0))


def _owed(store: LedgerStore, hour: int, now: datetime) -> dict[str, int]:
    """What the report says of an instant; of the beginning of all time that there is nothing."""
    report = liability_report(store, now, hour_start(hour))
    found = {str(what): nano for what, _, nano in report.rows}
    return found | {each["what"]: each["amount_nano"] for each in report.head["beside"]}


def _below(found: Mapping[str, int], prefix: str) -> int:
    return sum(nano for account, nano in found.items() if account.startswith(prefix))


_BREAKAGE = {
    "breakage of promotional grants": f"{_CONTRA}:breakage",
    "breakage of paid grants": "income:breakage:paid",
}
