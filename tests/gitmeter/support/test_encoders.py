"""What is printed can be read back, over the whole alphabet of ids.

CSV and Parquet for programs: `tests/aggregator/cli/test_export.py`; HTML:
`tests/aggregator/reports/periods/test_statement.py`.
"""

import csv
import io
import json
import re
from contextlib import redirect_stdout
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from gitmeter.support.printout import Printout
from gitmeter.support.terminal import CsvList, JsonList
from tests.support.alphabet import ids

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def printed(answer: Printout) -> str:
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with redirect_stdout(out):
        answer.print()
    out.seek(0)
    return out.read()


@given(st.lists(st.lists(ids(), min_size=3, max_size=3), max_size=5))
def test_csv_for_people_runs_nothing_and_can_be_read_back(rows: list[list[str]]) -> None:
    """No cell begins as a formula, but numbers; without the sign before it each is what it was."""
    text = printed(CsvList(["a", "b", "c"], rows))
    header, *cells = csv.reader(io.StringIO(text, newline=""))
    assert header == ["a", "b", "c"]
    for cell in (cell for row in cells for cell in row):
        assert _NUMBER.fullmatch(cell) or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert [[cell.removeprefix("'") for cell in row] for row in cells] == rows


@given(st.lists(ids()))
def test_json_is_read_back_as_it_was(texts: list[str]) -> None:
    assert json.loads(printed(JsonList(texts))) == texts
