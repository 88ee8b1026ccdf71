"""Rows as CSV for programs (RFC 4180, but lines end as Unix ends them).

Texts are written as they are. A spreadsheet may run one that begins with `=`: for people there is
`--csv` of the reports, which prevents that.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import StringIO
from typing import Any, Final

from aggregator.cli.export.output import Stream
from aggregator.reports.exports.table import Export, Kind
from gitmeter.support.printout import chunks
from wire_format.instants import format_ts, from_us
from wire_format.money import format_usd

_INSTANTS_CACHED: Final = 1024


def write_csv(export: Export, stream: Stream) -> int:
    """Write a line of names and a line for each row; return how many rows there were."""
    stream.write(_lines([[column.name for column in export.columns]]))
    forms = [_FORMS[column.kind] for column in export.columns]
    count = 0
    for chunk in chunks(export.rows):
        count += len(chunk)
        stream.write(_lines([[*map(_cell, forms, row)] for row in chunk]))
    return count


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cell(form: Callable[[Any], str], value: Any) -> str:  # noqa: ANN401 - by the kind of the column
    return "" if value is None else form(value)


@lru_cache(_INSTANTS_CACHED)
def _instant(at_us: int) -> str:
    return format_ts(from_us(at_us))


def _decimal(value: Any) -> str:  # noqa: ANN401 - a Decimal
    text = f"{value:f}"
    return text if "." in text else f"{text}.0"


_FORMS: Final[Mapping[Kind, Callable[[Any], str]]] = {
    "text": str,
    "integer": str,
    "units": str,
    "nano": format_usd,
    "decimal": _decimal,
    "instant": _instant,
    "boolean": lambda value: "true" if value else "false",
}
