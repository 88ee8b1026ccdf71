"""What a program prints: JSON and CSV for programs, text for people, never control characters.

A list may be larger than memory: its rows are taken one by one from whatever yields them,
all of them before the first is printed.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from gitmeter.support.printout import Printout, chunks

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""JSON allows these as they are; the others it escapes itself."""


def escape(text: str) -> str:
    """`text` with control and direction characters escaped, so that no terminal obeys them."""
    if text.isprintable():  # none of these characters is, and this takes a tenth of the time
        return text
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


class JsonList(Printout):
    """A JSON list, written as `print_json` writes it.

    Args:
        elements: whatever JSON can represent; only a few of them are in memory at a time.
        within: an object that the list is part of, under the last of its names. What it says beside
            the list may be complete only after the last element.
    """

    def __init__(self, elements: Iterable[Any], within: dict[str, Any] | None = None) -> None:
        super().__init__()
        before = b"["
        for chunk in chunks(elements):
            self.count += len(chunk)
            self._keep(before + _escaped_in_json(_elements(chunk)))
            before = b","
        self._keep(b"\n]\n" if self.count else b"[]\n")
        self._head = b""
        if within is not None:
            self._keep(b"}\n")
            *others, name = within
            head = _dumped({**{key: within[key] for key in others}, name: None})
            self._head = _escaped_in_json(head.removesuffix(b"null\n}"))

    def _kept(self) -> Iterator[bytes]:
        yield self._head
        yield from super()._kept()


def print_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON can represent
    """Write one JSON document to standard output: a list, or an iterator as one, piece by piece.

    Control characters are written as JSON's own escapes, which mean the same value.
    """
    if isinstance(value, list | Iterator):
        JsonList(value).print()
        return
    sys.stdout.buffer.write(_escaped_in_json(_dumped(value)) + b"\n")
    sys.stdout.buffer.flush()


def _elements(chunk: list[Any]) -> bytes:
    """The elements as they are within a list, without its brackets."""
    import orjson

    try:
        return orjson.dumps(chunk, option=orjson.OPT_INDENT_2)[1:-2]
    except orjson.JSONEncodeError:
        return b",".join(_dumped([each])[1:-2] for each in chunk)


def _dumped(value: Any) -> bytes:  # noqa: ANN401 - whatever JSON can represent
    import orjson

    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:  # a number past 64 bits: JSON has no limit, orjson does
        return json.dumps(value, indent=2).encode()


def _escaped_in_json(text: bytes) -> bytes:
    if text.isascii() and b"\x7f" not in text:
        return text
    return _CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text.decode()).encode()


FORMULA_SIGNS: Final = ("=", "+", "-", "@")
"""A spreadsheet runs a cell that begins so, unless it is a number."""


class CsvList(Printout):
    """A CSV table with a line of headers (RFC 4180, but lines end as Unix ends them).

    Args:
        headers: column names.
        rows: cells; only a few rows are in memory at a time.
    """

    def __init__(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        super().__init__()
        self._keep(_lines([headers]))
        for chunk in chunks(rows):
            self.count += len(chunk)
            self._keep(_lines([list(map(_cell, row)) for row in chunk]))


_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _cell(text: str) -> str:
    shown = escape(text)
    # one that begins with the sign for that gets another, so that it can be read back
    if shown.startswith((*FORMULA_SIGNS, "'")) and not _NUMBER.fullmatch(shown):
        return f"'{shown}"
    return shown


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    from csv import writer
    from io import StringIO

    text = StringIO()
    writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="surrogatepass")


class Text(Printout):
    """Text for people.

    Args:
        paragraphs: each of a line or more, without its last line break; escaped by who made it.
    """

    def __init__(self, paragraphs: Iterable[str]) -> None:
        super().__init__()
        for chunk in chunks(paragraphs):
            self.count += len(chunk)
            self._keep("".join([f"{text}\n" for text in chunk]).encode(errors="surrogatepass"))

    def print(self) -> None:
        """Write it to standard output."""
        import click

        for kept in self._kept():
            click.echo(kept.decode(errors="surrogatepass"), nl=False)
