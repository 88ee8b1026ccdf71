"""Tables for people."""

import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from operator import sub
from typing import Final

from gitmeter.support.printout import Printout, chunks
from gitmeter.support.terminal import escape

_GAP: Final = 3
"""Blanks between the columns of a table."""
_AMOUNTS: Final = re.compile(r"(?:(?:-?[0-9]+\.[0-9]+)?(?:\n|$))*")
"""Decimals, each on a line; a line may be empty."""
_DECIMALS_MAX: Final = 100
"""More than any cell has."""


class Table(Printout):
    """A table for people, each row one line, as wide as it must be.

    Nothing is wrapped or truncated to fit a terminal: half a number or half a time is useless. But
    whole columns may be left out there, which is then said. Where all cells of a column to the
    right are decimals they get as many decimals as the one with the most.

    Args:
        headers: column names.
        rows: cells, escaped here; only a few rows are in memory at a time.
        right: the columns that are aligned to the right (numbers).
        spare: the columns that a narrow terminal leaves out, the first one first.
    """

    def __init__(
        self,
        headers: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        right: Sequence[str] = (),
        spare: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._headers = headers
        self._spare = spare
        self._is_right = [header in right for header in headers]
        self._widths = list(map(_width, headers))
        self._decimals = {at: _Decimals() for at, is_it in enumerate(self._is_right) if is_it}
        for chunk in chunks(rows):
            self._add(chunk)

    def _add(self, chunk: list[Sequence[str]]) -> None:
        """Keep rows, with a tab between cells and each on a line: an escaped cell has neither."""
        together = "".join(map("".join, chunk))
        if not together.isprintable():
            chunk = [tuple(map(escape, row)) for row in chunk]
        width: Callable[[str], int] = len if together.isascii() else _width
        columns = list(zip(*chunk, strict=True))
        for at in [at for at, decimals in self._decimals.items() if not decimals.add(columns[at])]:
            del self._decimals[at]
        self._widths = [
            max(before, *map(width, column))
            for before, column in zip(self._widths, columns, strict=True)
        ]
        self.count += len(chunk)
        text = "".join(["\t".join(row) + "\n" for row in chunk])
        self._keep(text.encode(errors="surrogatepass"))

    def print(self) -> None:
        """Write it to standard output."""
        import click

        padded = {at: each for at, each in self._decimals.items() if each.least < each.most}
        for at, decimals in padded.items():
            self._widths[at] = max(_width(self._headers[at]), decimals.width)
        left_out = self._left_out()
        kept_at = [at for at, name in enumerate(self._headers) if name not in left_out]
        widths = [self._widths[at] for at in kept_at]
        is_right = [self._is_right[at] for at in kept_at]

        def line(row: Sequence[str]) -> str:
            return (" " * _GAP).join(map(_aligned, row, widths, is_right))

        head = line([self._headers[at] for at in kept_at])
        blank = " " * _width(head)
        rule = ("\u2500" if _is_unicode() else "-") * len(blank)
        shown = click.style(head, bold=True) if os.environ.get("TERM") != "dumb" else head
        click.echo(f" {blank} \n {shown} \n {rule} \n", nl=False)
        signs = ("" if right else "-" for right in is_right)
        pattern = (" " * _GAP).join(map("%{}{}s".format, signs, widths))  # as `line` in ASCII
        for kept in self._kept():
            rows = [text.split("\t") for text in kept.decode(errors="surrogatepass").splitlines()]
            for at, decimals in padded.items():
                for row in rows:
                    row[at] = decimals.padded(row[at])
            if left_out:
                rows = [[row[at] for at in kept_at] for row in rows]
            shown_rows = (
                [pattern % tuple(row) for row in rows] if kept.isascii() else map(line, rows)
            )
            click.echo("".join([f" {row} \n" for row in shown_rows]), nl=False)
        click.echo(f" {blank} ")
        if left_out:
            click.echo(f"left out on this narrow terminal: {', '.join(left_out)}")

    def _left_out(self) -> list[str]:
        """The spare columns without which a row fits the terminal."""
        from shutil import get_terminal_size

        if not self._spare or not sys.stdout.isatty():
            return []
        over = sum(self._widths) + _GAP * len(self._widths) - 1 - get_terminal_size().columns
        left_out: list[str] = []
        for name in self._spare:
            if over > 0:
                left_out.append(name)
                over -= self._widths[self._headers.index(name)] + _GAP
        return left_out


class _Decimals:
    """The decimals in the cells of a column.

    Attributes:
        least, most: how many decimals a cell has.
        width: of the widest cell once all have the most.
    """

    def __init__(self) -> None:
        self.least, self.most = _DECIMALS_MAX, 0
        self._whole = 0

    def add(self, cells: Sequence[str]) -> bool:
        """Look at some cells, and return whether all that are not empty are decimals."""
        if not _AMOUNTS.fullmatch("\n".join(cells)):
            return False
        told = [cell for cell in cells if cell]
        if told:
            wholes = [cell.index(".") for cell in told]
            decimals = [*map(sub, map(len, told), wholes)]  # and the point
            self._whole = max(self._whole, *wholes)
            self.least = min(self.least, min(decimals) - 1)
            self.most = max(self.most, max(decimals) - 1)
        return True

    @property
    def width(self) -> int:
        return self._whole + 1 + self.most

    def padded(self, cell: str) -> str:
        """A cell with the most decimals."""
        return cell.ljust(cell.index(".") + 1 + self.most, "0") if cell else cell


def print_table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Write a `Table` to standard output."""
    Table(headers, rows, right=right).print()


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
