"""Segment paths round trip and any other path is a typed error."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire_format.generated import folders, seqs
from wire_format.lines import Folder
from wire_format.paths import InvalidPathError, SegmentPath, folder_of, parse_path

days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
texts = st.text(max_size=60) | st.from_regex(
    r"(usage|payments|decisions|rules)/[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9]{15,17}\.jsonl",
    fullmatch=True,
)


@given(folder=folders, day=days, first_seq=seqs)
def test_writing_and_reading_a_path_gives_the_same_path(
    folder: Folder, day: date, first_seq: int
) -> None:
    path = SegmentPath(folder, day, first_seq)
    assert parse_path(str(path)) == path
    assert folder_of(str(path)) is folder


@given(text=texts)
def test_any_text_is_a_path_or_a_typed_error(text: str) -> None:
    folder = folder_of(text)
    try:
        path = parse_path(text)
    except InvalidPathError:
        return
    assert str(path) == text
    assert path.folder is folder


def test_a_path_is_its_day_and_first_seq() -> None:
    path = SegmentPath(Folder.USAGE, date(2026, 1, 2), 17)
    assert str(path) == "usage/2026/01/02/0000000000000017.jsonl"


@given(one=seqs, other=seqs)
def test_paths_of_a_day_sort_by_seq(one: int, other: int) -> None:
    first, second = (str(SegmentPath(Folder.USAGE, date(2026, 1, 2), n)) for n in (one, other))
    assert (first < second) == (one < other)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("usage/2026/02/30/0000000000000017.jsonl", "day that does not exist"),
        ("usage/0999/02/03/0000000000000017.jsonl", "years 2000 to 2100"),
        ("usage/2101/01/01/0000000000000017.jsonl", "years 2000 to 2100"),
        ("usage/2026/02/03/0000000000000000.jsonl", "first seq outside"),
        ("usage/2026/02/03/9999999999999999.jsonl", "first seq outside"),
        ("usage/2026/02/03/17.jsonl", "is not <folder>"),
        ("usage/2026/2/3/0000000000000017.jsonl", "is not <folder>"),
        ("usage/2026/02/03/0000000000000017.json", "is not <folder>"),
        ("usage/2026/02/03/0000000000000017.jsonl\n", "is not <folder>"),
        ("rules/2026/02/03/0000000000000017.jsonl", "is not <folder>"),
        ("usage/../usage/2026/02/03/0000000000000017.jsonl", "is not <folder>"),
        ("/usage/2026/02/03/0000000000000017.jsonl", "is not <folder>"),
    ],
)
def test_a_refused_path_says_why(path: str, reason: str) -> None:
    with pytest.raises(InvalidPathError, match=reason):
        parse_path(path)


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("usage/x", Folder.USAGE),
        ("usage/", Folder.USAGE),
        ("payments/2026/x", Folder.PAYMENTS),
        ("decisions/2026/x", Folder.DECISIONS),
        ("usage", None),
        ("README.md", None),
        ("rules/prices.toml", None),
        ("usages/x", None),
        ("Usage/x", None),
        ("", None),
        ("/usage/x", None),
    ],
)
def test_the_folder_of_any_path(path: str, folder: Folder | None) -> None:
    assert folder_of(path) is folder
