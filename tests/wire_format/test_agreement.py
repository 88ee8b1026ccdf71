"""The pydantic model and the msgspec decoder accept and refuse the same lines, with one value."""

from hypothesis import given
from hypothesis import strategies as st

from tests.wire_format.agreed import assert_agree
from tests.wire_format.generated import folders, odd_values, spoiled, values_in, written
from wire_format.fields import LINE_BYTES_MAX
from wire_format.lines import Folder


@given(data=st.data(), folder=folders)
def test_both_accept_what_the_specification_says_is_valid(
    data: st.DataObject, folder: Folder
) -> None:
    line = written(data.draw(values_in(folder)))
    assert assert_agree(line, folder) == (len(line) <= LINE_BYTES_MAX)


@given(data=st.data(), folder=folders)
def test_both_agree_on_lines_with_odd_values_and_orders(
    data: st.DataObject, folder: Folder
) -> None:
    value = data.draw(values_in(folder))
    for _ in range(data.draw(st.integers(1, 2))):
        value = data.draw(odd_values(value))
    assert_agree(written(value), folder)


@given(data=st.data(), folder=folders)
def test_both_agree_on_lines_with_changed_bytes(data: st.DataObject, folder: Folder) -> None:
    line = written(data.draw(values_in(folder)))
    assert_agree(data.draw(spoiled(line)), folder)


@given(data=st.data(), folder=folders)
def test_both_agree_on_lines_of_the_other_folder(data: st.DataObject, folder: Folder) -> None:
    other = data.draw(folders.filter(lambda each: each is not folder))
    assert not assert_agree(written(data.draw(values_in(other))), folder)


@given(line=st.binary(max_size=200), folder=folders)
def test_both_agree_on_arbitrary_bytes(line: bytes, folder: Folder) -> None:
    assert_agree(line, folder)


def test_no_line_without_an_escape_can_be_too_long() -> None:
    """The decoder of whole segments counts bytes only where a backslash occurs."""
    longest = {
        "v": 1,
        "node": "n" * 63,
        "seq": 2**53 - 1,
        "ts": "2026-11-21T13:05:00.123456Z",
        "user": "u" * 256,
        "resource": "r" * 200,
        "applies_to": "llm",
        "units": 1 - 2**53,
        "instance": "i" * 128,
        "id": "i" * 64,
        "corrects": 2**53 - 2,
        "reason": "r" * 200,
        "meta": {f"{i:040d}": "t" * 200 for i in range(16)},
    }
    assert assert_agree(written(longest), Folder.USAGE)
