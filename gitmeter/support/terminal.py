"""What a program prints: JSON for programs, tables for people, no control characters."""

import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

import orjson

_WIDTH_MAX: Final = 1 << 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""JSON allows these as they are; the others it escapes itself."""


def escape(text: str) -> str:
    """`text` with control and direction characters escaped, so that no terminal obeys them."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def escape_lines(text: str) -> str:
    """`escape` for a text of several lines."""
    return "\n".join(map(escape, text.split("\n")))


def counted(number: int, noun: str) -> str:
    """A number of things: `1 record`, `2 records`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Write one JSON document to standard output.

    Control characters are written as JSON's own escapes, which mean the same value.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # a number past 64 bits: JSON has no limit, orjson does
        text = json.dumps(value, indent=2).encode()
    shown = _CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text.decode())
    sys.stdout.buffer.write(shown.encode() + b"\n")
    sys.stdout.buffer.flush()


def print_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Write a table for people to standard output, each row one line, as wide as it must be.

    Nothing is wrapped or truncated to fit a terminal: half a number or half a time is useless.

    Args:
        headers: column names.
        rows: cells, escaped here.
        right: the columns that are aligned to the right (numbers).
    """
    import click
    from rich import box
    from rich.console import Console
    from rich.measure import measure_renderables
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(escape(cell)) for cell in row))
    console = Console(width=_WIDTH_MAX)
    console.width = measure_renderables(console, console.options, [table]).maximum
    with console.capture() as written:
        console.print(table)
    # Not by rich itself, which ends the program with 1 when the reader closed the pipe
    click.echo(written.get(), nl=False)
