"""Rows as CSV for programs (RFC 4180, but lines end as Unix ends them).

Texts are written as they are. A spreadsheet may run one that begins with `=`: for people there is
`--csv` of the reports, which prevents that.
"""

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from aggregator.cli.export.output import Stream
from aggregator.reports.exports.table import Export, Kind
from gitmeter.support.printout import chunks
from wire_format.instants import format_ts, from_us
from wire_format.money import format_usd

_CACHED: Final = 1 << 14
_EXACT: Final = Context(prec=80)


def write_csv(export: Export, stream: Stream) -> int:
    """Write a line of names and a line for each row; return how many rows there were."""
    stream.write(_lines([[column.name for column in export.columns]]))
    forms = [_FORMS.get(column.kind) for column in export.columns]
    count = 0
    for chunk in chunks(export.rows):
        count += len(chunk)
        columns = map(_cells, forms, zip(*chunk, strict=True))
        stream.write(_lines(zip(*columns, strict=True)))
    return count


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cells(form: Callable[[Any], str] | None, values: Sequence[Any]) -> Sequence[Any]:
    """The cells of a column: what `csv` itself writes well stays as it is, None too."""
    if form is None:
        return values
    return [None if value is None else form(value) for value in values]


def _instant(at_us: int) -> str:
    return format_ts(from_us(at_us))


def _decimal(value: Decimal) -> str:
    # equal decimals are one in the cache, so they have to have one text
    text = f"{value.normalize(_EXACT):f}"
    return text if "." in text else f"{text}.0"


_FORMS: Final[Mapping[Kind, Callable[[Any], str]]] = {
    # values come again: hours, prices and costs of 0
    "nano": lru_cache(_CACHED)(format_usd),
    "decimal": lru_cache(_CACHED)(_decimal),
    "price": lru_cache(_CACHED)(_decimal),
    "instant": lru_cache(_CACHED)(_instant),
    "boolean": lambda value: "true" if value else "false",
}
