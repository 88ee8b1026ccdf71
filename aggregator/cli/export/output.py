"""Where an export goes: a file that is replaced once it is whole, or standard output."""

from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import click

from gitmeter.support.errors import GitmeterError
from gitmeter.support.printout import Printout
from gitmeter.support.terminal import counted, escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.reports.exports.table import Export

_FORMS: Final = (".csv", ".parquet")


class Stream(Protocol):
    """What rows are written to."""

    def write(self, data: bytes, /) -> int:
        """Write bytes."""


class UnknownFormError(GitmeterError):
    """The name of a file does not say in which form it is to be written."""


class NoParquetError(GitmeterError):
    """pyarrow, which writes Parquet, is not installed."""


class _Spooled(Printout):
    """What is to be printed once it is whole."""

    def write(self, data: bytes) -> int:
        """Keep bytes."""
        self._keep(data)
        return len(data)


def a_file(text: str) -> Path:
    """Read the path of a file from a command line.

    Raises:
        BadParameter: it is empty, a folder, or in a folder that does not exist.
    """
    path = Path(text)
    if not text or path.is_dir():
        raise click.BadParameter(f"{text!r} is no file")
    if not path.parent.is_dir():
        raise click.BadParameter(f"the folder {str(path.parent)!r} does not exist")
    return path


def output_option(command: "Callable[..., object]") -> "Callable[..., object]":
    """The option --out."""
    return click.option(
        "--out",
        type=a_file,
        metavar="FILE",
        help="The file, .csv or .parquet by its name. Default: CSV on standard output.",
    )(command)


class Output:
    """Writes an export.

    Args:
        out: the file; None for standard output.

    Raises:
        UnknownFormError: the name of the file ends in no form that is known.
    """

    def __init__(self, out: Path | None) -> None:
        self._out = out
        self._form = ".csv" if out is None else out.suffix.lower()
        if self._form not in _FORMS:
            raise UnknownFormError(
                f"{out}: unknown file format", hint="end its name in .csv or .parquet"
            )
        self._kept = _Spooled()
        self._count = 0

    def write(self, export: "Export") -> None:
        """Write all rows, inside the view that they are read in.

        Raises:
            NoParquetError: pyarrow is not installed.
        """
        if self._out is None:
            self._count = self._write_to(export, self._kept)
            return
        from gitmeter.support.files import replacing

        with replacing(self._out) as stream:
            self._count = self._write_to(export, stream)

    def print(self) -> None:
        """Write what goes to standard output, or say what was written, after the view."""
        if self._out is None:
            self._kept.print()
        else:
            click.echo(f"{escape(str(self._out))}: {counted(self._count, 'row')}")

    def _write_to(self, export: "Export", stream: Stream) -> int:
        if self._form == ".parquet":
            try:
                from aggregator.cli.export.parquet_file import write_parquet
            except ImportError as error:
                raise NoParquetError(
                    f"Parquet needs the Python package pyarrow: {error}",
                    hint="pip install 'gitmeter[parquet]', or write a .csv file",
                ) from error
            return write_parquet(export, stream)
        from aggregator.cli.export.csv_file import write_csv

        return write_csv(export, stream)
