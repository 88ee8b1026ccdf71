"""Decoding whole segments: nothing good is lost, nothing bad raises, numbers are right."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire_format.generated import folders, spoiled, values_in, written
from wire_format.explanation import explain_line
from wire_format.fields import APPLIES_TO_DEFAULT, LINE_BYTES_MAX
from wire_format.lines import Folder, Usage, encode_lines
from wire_format.segment import decode_line, decode_segment

GOOD = (
    b'{"v":1,"node":"a","seq":1,"ts":"2026-11-21T13:05:00Z","user":"u","resource":"r","units":1}\n'
)


def usage(**changes: object) -> Usage:
    fields = {"v": 1, "node": "a", "seq": 1, "ts": datetime(2026, 11, 21, 13, 5, tzinfo=UTC)}
    return Usage(**{**fields, "user": "u", "resource": "r", "units": 1, **changes})  # type: ignore[arg-type] # fields by name


@given(data=st.data(), folder=folders)
def test_decoding_and_encoding_again_gives_the_same_bytes(
    data: st.DataObject, folder: Folder
) -> None:
    lines = [written(value) for value in data.draw(st.lists(values_in(folder), max_size=4))]
    segment_bytes = b"".join(line for line in lines if len(line) <= LINE_BYTES_MAX)
    segment = decode_segment(segment_bytes, folder)
    assert not segment.rejects
    assert encode_lines(segment.records) == segment_bytes
    assert list(segment.line_numbers) == list(range(1, len(segment.records) + 1))


@given(segment_bytes=st.binary(max_size=2000), folder=folders)
def test_arbitrary_bytes_never_raise_and_are_all_accounted_for(
    segment_bytes: bytes, folder: Folder
) -> None:
    segment = decode_segment(segment_bytes, folder)
    parts = {bad.line_no: bad.line for bad in segment.rejects}
    parts |= dict(
        zip(
            segment.line_numbers,
            encode_lines(segment.records).splitlines(keepends=True),
            strict=True,
        )
    )
    assert b"".join(parts[n] for n in range(1, len(parts) + 1)) == segment_bytes


@given(data=st.data(), folder=folders)
def test_bad_lines_cost_none_of_the_good_ones(data: st.DataObject, folder: Folder) -> None:
    lines = [written(value) for value in data.draw(st.lists(values_in(folder), max_size=4))]
    for at in data.draw(st.lists(st.integers(0, len(lines)), max_size=3)):
        bad = data.draw(spoiled(GOOD)).replace(b"\n", b"") + b"\n"
        lines.insert(at, bad)
    segment = decode_segment(b"".join(lines), folder)
    good = [n for n, line in enumerate(lines, start=1) if explain_line(line, folder) is None]
    assert list(segment.line_numbers) == good
    assert encode_lines(segment.records) == b"".join(lines[n - 1] for n in good)
    assert [bad.line for bad in segment.rejects] == [
        line for n, line in enumerate(lines, start=1) if n not in good
    ]


def test_an_empty_segment_holds_nothing() -> None:
    segment = decode_segment(b"", Folder.USAGE)
    assert (list(segment.records), list(segment.rejects)) == ([], [])


@pytest.mark.parametrize("line", [b"", GOOD + GOOD, GOOD[:-1]])
def test_one_line_is_one_whole_line(line: bytes) -> None:
    assert decode_line(line, Folder.USAGE) == explain_line(line, Folder.USAGE) != None  # noqa: E711 - chained


@pytest.mark.parametrize("separator", [b"\r", b"\x0b", b"\x0c", b"\x85", "\u2028".encode()])
def test_only_a_newline_ends_a_line(separator: bytes) -> None:
    segment = decode_segment(GOOD + GOOD[:-1] + separator + GOOD, Folder.USAGE)
    assert [bad.line_no for bad in segment.rejects] == [2]
    assert len(segment.records) == 1


def test_a_default_that_is_an_equal_but_other_object_is_left_out() -> None:
    stated = b"hero_os_hourly".decode()
    assert stated is not APPLIES_TO_DEFAULT
    assert encode_lines([usage(applies_to=stated)]) == GOOD


def test_meta_is_written_in_key_order() -> None:
    line = encode_lines([usage(meta={"b": 1, ".": 2, "_": 3, "0": 4})])
    assert b'"meta":{".":2,"0":4,"_":3,"b":1}' in line
    assert explain_line(line, Folder.USAGE) is None


def test_a_line_written_with_a_zone_other_than_utc_is_refused() -> None:
    zone = timezone(timedelta(hours=1))
    line = encode_lines([usage(ts=datetime(2026, 11, 21, 14, 5, tzinfo=zone))])
    assert decode_segment(line, Folder.USAGE).rejects
