"""What a program prints: JSON for programs, tables for people, never control characters."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""JSON allows these as they are; the others it escapes itself."""


def escape(text: str) -> str:
    """`text` with control and direction characters escaped, so that no terminal obeys them."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def pasted(*words: str) -> str:
    """A command to paste: each word is quoted for a shell, whatever is in it.

    Words with characters that `escape` would change are written as bash's `$'...'`, so that the
    shell, not the terminal, gets them.
    """
    import shlex

    return " ".join(
        shlex.quote(word) if escape(word) == word else f"$'{_in_bash(word)}'" for word in words
    )


def _in_bash(word: str) -> str:
    plain = word.replace("\\", "\\\\").replace("'", "\\'")
    return _CONTROL.sub(
        lambda match: "".join(f"\\x{byte:02x}" for byte in match[0].encode()), plain
    )


def escape_lines(text: str) -> str:
    """`escape` for a text of several lines."""
    return "\n".join(map(escape, text.split("\n")))


def counted(number: int, noun: str) -> str:
    """A number of things: `1 record`, `2 records`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can represent
    """Write one JSON document to standard output.

    Control characters are written as JSON's own escapes, which mean the same value.
    """
    import orjson

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

    cells = [tuple(headers), *(tuple(map(escape, row)) for row in rows)]
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    is_right = [header in right for header in headers]
    head, *body = ("   ".join(map(_aligned, row, widths, is_right)) for row in cells)
    blank = " " * _width(head)
    rule = ("\u2500" if _is_unicode() else "-") * len(blank)
    shown = click.style(head, bold=True) if os.environ.get("TERM") != "dumb" else head
    lines = (blank, shown, rule, *body, blank)
    click.echo("".join(f" {line} \n" for line in lines), nl=False)


def _aligned(text: str, width: int, is_right: bool) -> str:  # noqa: FBT001 - mapped over columns
    padding = " " * (width - _width(text))
    return padding + text if is_right else text + padding


def _width(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )


def _is_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")
