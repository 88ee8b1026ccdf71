"""Tables for people: nothing in them is broken into pieces, however narrow the terminal."""

import os
import pty
import re
import struct
import subprocess
import sys
from fcntl import ioctl
from termios import TIOCSWINSZ

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, pasted

HEADERS = ("repo", "outcome", "highest seq", "last commit")
ROW = ("node-" + "x" * 60, "fast-forward", "9007199254740991", "2026-11-21T13:50:40Z")
SOURCE = f"""
from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, pasted
print_table({HEADERS!r}, [{ROW!r}], right=("highest seq",))
"""


WITH_SPARE = f"""
from gitmeter.support.table import Table
spare = ("outcome", "last commit")
Table({HEADERS!r}, [{ROW!r}], right=("highest seq",), spare=spare).print()
"""


def shown_on_a_terminal(columns: int, source: str = SOURCE) -> str:
    """What a program writes to a terminal of that width, without the colours."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"COLUMNS", "LINES", "NO_COLOR"}
    }
    program = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 65536):
            written += part
    except OSError:  # how a terminal says that its program has ended
        pass
    os.close(ours)
    assert program.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", written.decode())


@pytest.mark.parametrize("columns", [20, 80, 300])
def test_headers_numbers_and_times_stay_whole_on_a_terminal(columns: int) -> None:
    shown = shown_on_a_terminal(columns).splitlines()
    header, row = (next(line for line in shown if words[0] in line) for words in (HEADERS, ROW))
    assert re.split(r"\s{2,}", header.strip()) == list(HEADERS)
    assert row.split() == list(ROW)


def test_a_table_that_nobody_sees_is_as_wide_as_it_must_be() -> None:
    """Into a file or a pipe every row is one line, and plain."""
    wide = ROW[0] * 10
    ran = subprocess.run(
        [sys.executable, "-c", SOURCE.replace(ROW[0], wide)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert (wide, *ROW[1:]) in [tuple(line.split()) for line in ran.stdout.splitlines()]
    assert "\x1b" not in ran.stdout


def test_columns_are_aligned_by_what_a_terminal_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """A wide character takes two columns and a combining one none; control characters are text."""
    rows = [("\u65e5\u672c", "1.00"), ("e\u0301", "12.50"), ("a\x1b[1m", "7")]
    print_table(("name", "cost"), rows, right=("cost",))
    assert capsys.readouterr().out.splitlines() == [
        " " * 18,
        " name        cost ",
        f" {chr(0x2500) * 16} ",
        " \u65e5\u672c        1.00 ",
        " e\u0301          12.50 ",
        " a\\x1b[1m       7 ",
        " " * 18,
    ]


def test_amounts_of_a_column_have_as_many_decimals_as_the_one_with_the_most(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where only a later one has many; not where anything else is in the column."""
    amounts = ["0.10", "", "-12.000000001", "7.5"] + 2000 * ["1.00"]
    rows = [(amount, f"{amount}", "1.5" if at else "x") for at, amount in enumerate(amounts)]
    print_table(("USD", "text", "mixed"), rows, right=("USD", "mixed"))
    shown = [line.split() for line in capsys.readouterr().out.splitlines()[3:-1]]
    assert [cells[0] for cells in shown if len(cells) == 3] == [
        *("0.100000000", "-12.000000001", "7.500000000"),
        *(2000 * ["1.000000000"]),
    ]
    assert [cells[1] for cells in shown if len(cells) == 3] == [each for each in amounts if each]
    assert {cells[-1] for cells in shown} == {"x", "1.5"}


def test_a_table_without_rows_shows_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "cost"), [])
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        [],
        ["name", "cost"],
        [chr(0x2500) * 11],
        [],
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
@settings(max_examples=60)
@example(
    ["x;touch y", "$(touch y)", "it's", "a\nb", "\x1b[2J", "\\x41", "\u202e", "-n", "", "~", "*"]
)
def test_a_pasted_command_has_exactly_its_words(words: list[str]) -> None:
    """Whatever is in them: no shell carries any of it out, and no terminal obeys it."""
    command = pasted("printf", r"%s\0", *words)
    assert escape(command) == command
    shown = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert shown.stdout == b"".join(f"{word}\0".encode() for word in words or [""])


def test_a_plain_command_is_shown_plainly() -> None:
    assert pasted("git", "-C", "/var/lib/x.git", "show") == "git -C /var/lib/x.git show"


@pytest.mark.parametrize(
    ("columns", "left_out"),
    [
        (130, []),
        (124, []),
        (123, ["outcome"]),
        (109, ["outcome"]),
        (108, ["outcome", "last commit"]),
        (20, ["outcome", "last commit"]),
    ],
)
def test_columns_that_may_be_spared_are_left_out_on_a_narrow_terminal(
    columns: int, left_out: list[str]
) -> None:
    """The first one first, no more than it takes, which is said; every other cell is whole."""
    shown = shown_on_a_terminal(columns, WITH_SPARE)
    for name, cell in zip(HEADERS, ROW, strict=True):
        assert (cell in shown) == (name not in left_out)
    said = f"left out on this narrow terminal: {', '.join(left_out)}"
    assert (said in shown) == bool(left_out)
    if columns > len(ROW[0]):
        assert max(len(line.rstrip()) for line in shown.splitlines()) <= columns


def test_nothing_is_left_out_of_a_file() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITH_SPARE], check=True, capture_output=True, text=True
    )
    assert all(cell in done.stdout for cell in ROW)
