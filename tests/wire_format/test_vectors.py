"""Every test vector gives what its index says, through both decoders."""

import pytest

from tests.wire_format.agreed import assert_agree
from tests.wire_format.vectors import EVERY, INVALID, ROOT, VALID, Vector, indexed, name_of
from wire_format.explanation import explain_line
from wire_format.faults import FaultCode
from wire_format.lines import encode_lines
from wire_format.segment import decode_segment


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_the_index_lists_the_files_that_are_there(kind: str) -> None:
    assert indexed(kind) == sorted(path.name for path in (ROOT / kind).iterdir())


@pytest.mark.parametrize("vector", VALID, ids=name_of)
def test_valid_lines_decode_and_encode_to_the_same_bytes(vector: Vector) -> None:
    segment = decode_segment(vector.data, vector.folder)
    assert not segment.rejects
    assert len(segment.records) == len(vector.lines) > 0
    assert encode_lines(segment.records) == vector.data


@pytest.mark.parametrize("vector", INVALID, ids=name_of)
def test_bad_lines_are_refused_with_the_stated_code(vector: Vector) -> None:
    assert vector.bad
    segment = decode_segment(vector.data, vector.folder)
    assert {bad.line_no: bad.fault.code.value for bad in segment.rejects} == vector.bad
    explained = {
        line_no: fault.code.value
        for line_no, line in enumerate(vector.lines, start=1)
        if (fault := explain_line(line, vector.folder))
    }
    assert explained == vector.bad


@pytest.mark.parametrize("vector", EVERY, ids=name_of)
def test_both_decoders_agree_on_every_line(vector: Vector) -> None:
    for line in vector.lines:
        assert_agree(line, vector.folder)


@pytest.mark.parametrize("vector", INVALID, ids=name_of)
def test_reasons_are_one_printable_line_for_a_person(vector: Vector) -> None:
    for bad in decode_segment(vector.data, vector.folder).rejects:
        assert bad.fault.reason.strip()
        assert bad.fault.reason.isprintable(), bad.fault.reason
        assert len(bad.fault.reason) < 1000


def test_every_fault_code_of_a_line_has_a_vector() -> None:
    of_lines = set(FaultCode) - {FaultCode.REFUSED_FILE}
    assert {code for vector in INVALID for code in vector.bad.values()} == of_lines


def test_a_segment_of_all_vectors_loses_no_good_line() -> None:
    """Good and bad lines in one segment: each good one is there, each bad one has its number."""
    for folder in {vector.folder for vector in EVERY}:
        lines = [
            line if line.endswith(b"\n") else line + b"\n"
            for vector in EVERY
            if vector.folder is folder
            for line in vector.lines
        ]
        segment = decode_segment(b"".join(lines), folder)
        good = [n for n, line in enumerate(lines, start=1) if explain_line(line, folder) is None]
        assert list(segment.line_numbers) == good
        assert encode_lines(segment.records) == b"".join(lines[n - 1] for n in good)
        assert sorted([*good, *(bad.line_no for bad in segment.rejects)]) == list(
            range(1, len(lines) + 1)
        )
        assert all(lines[bad.line_no - 1] == bad.line for bad in segment.rejects)
