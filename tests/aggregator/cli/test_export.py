"""`aggregator export`: files that other programs read back exactly, whole or not there."""

import csv
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from aggregator.cli.export.csv_file import write_csv
from aggregator.cli.export.output import Output
from aggregator.cli.export.parquet_file import write_parquet
from aggregator.reports.exports.table import Export, ExportColumn
from gitmeter.support.errors import ExitCode
from tests.support.alphabet import ids
from tests.support.ledger.reports_world import reports_world
from tests.support.ledger.world import World
from wire_format.instants import parse_ts, to_us
from wire_format.money import NANO

_COLUMNS = (
    ExportColumn("text", "text"),
    ExportColumn("integer", "integer"),
    ExportColumn("units", "units"),
    ExportColumn("nano", "nano"),
    ExportColumn("decimal", "decimal"),
    ExportColumn("instant", "instant"),
    ExportColumn("boolean", "boolean"),
)
_BEGIN_US = to_us(datetime(2000, 1, 1, tzinfo=UTC))
_END_US = to_us(datetime(2100, 12, 31, tzinfo=UTC))
_EXACT = Context(prec=60)


def rows() -> st.SearchStrategy[list[tuple[Any, ...]]]:
    values: list[st.SearchStrategy[Any]] = [
        ids(),
        st.integers(-(2**63), 2**63 - 1),
        st.integers(-(10**30), 10**30),
        st.integers(-(10**30), 10**30),
        st.integers(-(10**30), 10**30).map(lambda number: Decimal(number).scaleb(-15, _EXACT)),
        st.integers(_BEGIN_US, _END_US),
        st.booleans(),
    ]
    return st.lists(st.tuples(*(st.none() | value for value in values)), max_size=5)


@given(rows())
def test_csv_that_is_read_back_is_what_was_written(written: list[tuple[Any, ...]]) -> None:
    """Over all ids, and numbers beyond 64 bits; an empty cell is no value."""
    stream = io.BytesIO()
    assert write_csv(Export(_COLUMNS, written), stream) == len(written)
    header, *lines = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert header == [column.name for column in _COLUMNS]
    assert [[*map(_from_csv, _COLUMNS, line)] for line in lines] == [[*row] for row in written]


def _from_csv(column: ExportColumn, cell: str) -> Any:  # noqa: ANN401 - by the kind of the column
    if not cell:
        return None
    read: dict[str, Callable[[str], Any]] = {
        "text": str,
        "integer": int,
        "units": int,
        "nano": lambda text: int(Fraction(text) * NANO),
        "decimal": Decimal,
        "instant": lambda text: to_us(parse_ts(text)),
        "boolean": {"true": True, "false": False}.__getitem__,
    }
    return read[column.kind](cell)


@settings(max_examples=30)
@given(rows())
def test_parquet_that_is_read_back_is_what_was_written(written: list[tuple[Any, ...]]) -> None:
    stream = io.BytesIO()
    assert write_parquet(Export(_COLUMNS, written), stream) == len(written)
    table = parquet.read_table(io.BytesIO(stream.getvalue()))
    assert table.column_names == [column.name for column in _COLUMNS]
    found = [[*row.values()] for row in table.to_pylist()]
    assert [[*map(_from_parquet, _COLUMNS, row)] for row in found] == [[*row] for row in written]


def _from_parquet(column: ExportColumn, value: Any) -> Any:  # noqa: ANN401 - by the kind of the column
    if value is None:
        return None
    if column.kind in {"units", "nano"}:
        return int(Fraction(value) * (NANO if column.kind == "nano" else 1))
    if column.kind == "instant":
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return value


def test_parquet_of_many_rows_has_groups_of_bounded_size() -> None:
    """So that it is written with the memory of one."""
    columns = (ExportColumn("n", "integer"),)
    stream = io.BytesIO()
    assert write_parquet(Export(columns, ((n,) for n in range(150_000))), stream) == 150_000
    file = parquet.ParquetFile(io.BytesIO(stream.getvalue()))
    sizes = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    assert sizes == [*4 * [32_768], 150_000 - 4 * 32_768]
    assert file.read().column("n").to_pylist() == [*range(150_000)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return reports_world(tmp_path_factory.mktemp("export"))


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_charges_of_one_user_are_those_among_all(world: World) -> None:
    every = read(world.run("export", "charges", "--period", "all").ok().out)
    assert {row["user"] for row in every} == {"alice", "bob"}
    for user in ("alice", "bob"):
        own = read(world.run("export", "charges", user, "--period", "all").ok().out)
        assert own == [row for row in every if row["user"] == user] != []


@pytest.mark.parametrize("what", ["charges", "payments", "focus"])
def test_a_file_has_what_standard_output_has(world: World, tmp_path: Path, what: str) -> None:
    """In CSV to the byte, in Parquet as many rows; writing it twice is writing it once."""
    said = world.run("export", what, "--period", "2026-11").ok().out
    for _ in range(2):
        file = tmp_path / "rows.csv"
        told = world.run("export", what, "--period", "2026-11", "--out", str(file)).ok().out
        assert file.read_text() == said
        assert told == f"{file}: {len(read(said))} rows\n"
    world.run("export", what, "--period", "2026-11", "--out", str(tmp_path / "rows.parquet")).ok()
    assert parquet.read_table(tmp_path / "rows.parquet").num_rows == len(read(said)) > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "rows.parquet"]


def test_payments_are_those_of_the_command_payments(world: World) -> None:
    said = world.run("payments", "--csv").ok().out
    assert world.run("export", "payments", "--period", "all").ok().out == said


def test_a_period_without_rows_is_a_file_with_names_alone(world: World) -> None:
    assert read(world.run("export", "charges", "--period", "2020").ok().out) == []


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("charges", "nobody"), ExitCode.FAILED, "no account of 'nobody'"),
        (("payments", "nobody"), ExitCode.FAILED, "no account of 'nobody'"),
        (("charges", "--out", "rows.xlsx"), ExitCode.FAILED, "end its name in .csv or .parquet"),
        (("charges", "--out", "/nowhere/rows.csv"), ExitCode.USAGE, "'/nowhere' does not exist"),
        (("charges", "--out", ""), ExitCode.USAGE, "'' is no file"),
        (("charges", "--out", "/"), ExitCode.USAGE, "'/' is no file"),
        (("focus", "--provider", " "), ExitCode.USAGE, "state a name"),
        (("hledger", "--out", "rows.parquet"), ExitCode.USAGE, "end its name in .journal"),
        (("charges", "--period", "soon"), ExitCode.USAGE, "'soon' is no period"),
    ],
)
def test_what_cannot_be_written_is_said(
    world: World, words: Sequence[str], code: ExitCode, says: str
) -> None:
    said = world.run("export", *words)
    assert (said.code, said.out) == (code, "")
    assert says in said.err


def test_without_pyarrow_it_is_said_what_to_install(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "aggregator.cli.export.parquet_file")
    said = world.run("export", "charges", "--out", str(tmp_path / "rows.parquet"))
    assert said.code is ExitCode.FAILED
    assert "pip install 'gitmeter[parquet]'" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rows.csv", "rows.parquet"])
def test_an_error_on_the_way_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(b"old")

    def broken() -> Iterator[tuple[int]]:
        yield (1,)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        Output(file).write(Export((ExportColumn("n", "integer"),), broken()))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {name: b"old"}
