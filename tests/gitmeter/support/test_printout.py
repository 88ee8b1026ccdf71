"""Answers of any length: the same bytes as if they were made at once, in little memory."""

import io
import os
import subprocess
import sys
import tracemalloc
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gitmeter.support.printout import Printout
from gitmeter.support.table import Table
from gitmeter.support.terminal import JsonList, Text, escape, print_json

DIRECTIONS = "\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.text(
    "ab \t\n%", max_size=3
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TIMES = st.sampled_from([1, 1, 700])
"""How often the rows of an example are repeated: some have more than are handled at once."""

KINDS: dict[str, Callable[[Iterator[str]], Printout]] = {
    "json": lambda texts: JsonList(Row([text]) for text in texts),
    "table": lambda texts: Table(("text",), (Row([text]) for text in texts)),
    "text": lambda texts: Text(map(Line, texts)),
}


class Alive:
    """How many of the rows that were made exist, now and at most."""

    now = most = 0

    @classmethod
    def add(cls, number: int) -> None:
        """Note that there are so many more."""
        cls.now += number
        cls.most = max(cls.most, cls.now)


class Row(list[str]):
    """A row of one text."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(texts)
        Alive.add(1)

    def __del__(self) -> None:
        Alive.add(-1)


class Line(str):
    """A line of text."""

    __slots__ = ()

    def __init__(self, _: str) -> None:
        Alive.add(1)

    def __del__(self) -> None:
        Alive.add(-1)


def printed(act: Callable[[], object]) -> str:
    """What is written to standard output."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    with redirect_stdout(out):
        act()
        out.flush()
    return out.buffer.getvalue().decode()


def is_control(character: str) -> bool:
    """Whether a terminal may obey it."""
    return unicodedata.category(character) == "Cc" or character in DIRECTIONS


@given(st.lists(VALUES, max_size=5), TIMES)
@example([], 1)
@example(["\x7f"], 1)
@example(["\x7f\x85\u2028\u202e \x00\x1f", {"\u200e": "\xe9"}], 1)
@settings(max_examples=150, deadline=None)
def test_a_list_in_json_is_the_bytes_of_one_dump(values: list[object], times: int) -> None:
    """Whether it is a list or an iterator; with escapes where a terminal would obey a character."""
    values *= times
    dumped = orjson.dumps(values, option=orjson.OPT_INDENT_2).decode()
    expected = "".join(
        f"\\u{ord(each):04x}" if is_control(each) and each != "\n" else each for each in dumped
    )
    assert printed(lambda: print_json(values)) == expected + "\n"
    assert printed(lambda: print_json(iter(values))) == expected + "\n"


@given(st.lists(VALUES | st.integers(2**64), min_size=1, max_size=5), TIMES)
@example([2**64, "\xe9"], 700)
@settings(deadline=None)
def test_each_element_is_written_as_it_would_be_alone(values: list[object], times: int) -> None:
    """A number past 64 bits, which orjson cannot write, changes nothing about its neighbours."""
    alone = [printed(lambda each=each: print_json([each]))[2:-3] for each in values]  # type: ignore[misc]
    expected = ",\n".join(alone * times)
    assert printed(lambda: print_json(values * times)) == f"[\n{expected}\n]\n"


def naive_table(headers: Sequence[str], rows: list[list[str]], right: Sequence[str]) -> str:
    """The table by its description: one row a line, all columns as wide as their widest cell."""

    def safe(text: str) -> str:
        return "".join(
            each.encode("unicode_escape").decode() if is_control(each) else each for each in text
        )

    def width(text: str) -> int:
        wide = [unicodedata.east_asian_width(each) in "WF" for each in text]
        bare = [bool(unicodedata.combining(each)) for each in text]
        return sum(0 if no else 2 if two else 1 for no, two in zip(bare, wide, strict=True))

    lines = [list(headers), *([safe(cell) for cell in row] for row in rows)]
    widths = [max(width(line[i]) for line in lines) for i in range(len(headers))]
    head, *body = [
        "   ".join(
            " " * (widths[i] - width(cell)) + cell
            if headers[i] in right
            else cell + " " * (widths[i] - width(cell))
            for i, cell in enumerate(line)
        )
        for line in lines
    ]
    total = sum(widths) + 3 * (len(headers) - 1)
    shown = [" " * total, head, "\u2500" * total, *body, " " * total]
    return "".join(f" {line} \n" for line in shown)


@given(
    st.lists(TEXTS, min_size=1, max_size=4, unique=True).flatmap(
        lambda headers: st.tuples(
            st.just([f"h{escape(header)}" for header in headers]),
            st.lists(st.lists(TEXTS, min_size=len(headers), max_size=len(headers)), max_size=5),
            st.sets(st.sampled_from(headers)).map(lambda names: [f"h{escape(n)}" for n in names]),
        )
    ),
    TIMES,
)
@settings(max_examples=150, deadline=None)
def test_a_table_is_what_its_description_says(
    example_: tuple[list[str], list[list[str]], list[str]], times: int
) -> None:
    """With any characters in its cells, and a row of other characters far below."""
    headers, rows, right = example_
    rows = rows * times + [["\u65e5e\u0301%s\t"] * len(headers)]
    assert printed(Table(headers, iter(rows), right=right).print) == naive_table(
        headers, rows, right
    )


def test_a_row_of_another_length_than_the_header_is_an_error() -> None:
    for row in (["a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="zip"):
            Table(("one", "two"), [["a", "b"], row])


def test_no_character_that_a_terminal_obeys_counts_as_printable() -> None:
    """So a text that is printable as a whole needs no look at its characters."""
    found = [each for each in map(chr, range(sys.maxunicode + 1)) if is_control(each)]
    assert len(found) > 65
    assert not any(map(str.isprintable, found))
    assert all(escape(each).isascii() for each in found)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_never_all_alive(kind: str) -> None:
    make = KINDS[kind]
    Alive.now = Alive.most = 0
    answer = make(f"row {number}" for number in range(20_000))
    assert answer.count == 20_000
    assert 0 < Alive.most < 2_000
    assert Alive.now < 2_000
    assert printed(answer.print).count("row ") == 20_000


@pytest.mark.parametrize("kind", KINDS)
def test_what_waits_to_be_printed_is_not_in_memory(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = KINDS[kind]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        tracemalloc.start()
        try:
            make("x" * 1000 for _ in range(40_000)).print()
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak_bytes < 8_000_000  # of 40 million


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_cannot_be_read_to_its_end_is_not_begun(kind: str) -> None:
    make = KINDS[kind]

    def texts() -> Iterator[str]:
        yield from map(str, range(5000))
        raise LookupError("damaged")

    def show() -> None:
        with pytest.raises(LookupError):
            make(texts()).print()

    assert printed(show) == ""


def test_a_full_disk_under_temporary_files_is_named(tmp_path: Path) -> None:
    """A limit on the size of files stands for it; what is printed goes to a pipe."""
    program = """
import click, resource
from gitmeter.support.entry import run
from gitmeter.support.terminal import print_json
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
run(click.Command("show", callback=lambda: print_json("x" * 100 for _ in range(50_000))), "show")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"error: {tmp_path}: File too large\n"
    assert not list(tmp_path.iterdir())
