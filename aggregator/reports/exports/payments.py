"""Every line of money and accounts as a row: what `aggregator payments` shows."""

from typing import Any, Final

from aggregator.reports import payments
from aggregator.reports.exports.table import Export, ExportColumn, Kind
from aggregator.reports.periods.period import Period
from aggregator.store.store import LedgerStore
from wire_format.instants import parse_ts, to_us
from wire_format.money import parse_nano

_KINDS: Final[dict[str, Kind]] = {
    "ts": "instant",
    "committed_at": "instant",
    "from": "instant",
    "until": "instant",
    "amount": "nano",
    "credited_usd": "nano",
    "credit_usd": "nano",
    "left_usd": "nano",
    "fee_usd": "nano",
    "seq": "integer",
    "attempt": "integer",
    "line_no": "integer",
    "reconciled": "boolean",
}
_COLUMNS: Final = tuple(ExportColumn(name, _KINDS.get(name, "text")) for name in payments.COLUMNS)


def payments_export(store: LedgerStore, period: Period, user: str | None) -> Export:
    """Return the lines dated in a period, by time.

    Args:
        store: the ledger, in the caller's view.
        period: when.
        user: whose; None for all.
    """
    found = payments.lines(store, user, period.first_hour, period.end_hour)
    return Export(_COLUMNS, map(_row, found))


def _row(line: payments.Answer) -> list[Any]:
    return [_value(column.kind, line[column.name]) for column in _COLUMNS]


def _value(kind: Kind, value: Any) -> Any:  # noqa: ANN401 - by the kind of the column
    if value is None:
        return None
    if kind == "instant":
        return to_us(parse_ts(value))
    return parse_nano(value) if kind == "nano" else value
