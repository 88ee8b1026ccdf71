"""A stream of lines: good ones are recorded as they come, bad ones are reported by number."""

import json
import os
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import Home, new_home
from node_pusher.joining.init import init
from node_pusher.spool import stream
from node_pusher.spool.api import Spool
from node_pusher.spool.inputs import decode_input, decode_inputs
from node_pusher.spool.outcomes import Refusal
from node_pusher.spool.stream import LINE_BYTES_MAX, StreamReport, record_stream
from tests.node_pusher.conftest import NODE, START
from tests.support.repos import bare_repo

GOOD = b'{"user":"alice","resource":"r","units":%d}'
BAD = [b"nonsense", b"[]", b'{"user":"alice"}', b'{"user":"a b","resource":"r","units":1}', b"\xff"]
BEGUN = (GOOD % 1).removesuffix(b"}")
"""An object that the next line ends, as decoders of JSON lines have it."""
ENDED_AND_ANOTHER = b"}" + GOOD % 1
TWO = GOOD % 1 + GOOD % 1
TORN = [BEGUN, ENDED_AND_ANOTHER, TWO, b"}", b"{" + BEGUN]


@pytest.fixture
def spool(home: Home) -> Iterator[Spool]:
    with Spool.open(home.path) as opened:
        yield opened


def _feed(spool: Spool, *chunks: bytes) -> tuple[StreamReport, list[tuple[int, str]]]:
    """Record what a pipe brings, each chunk only after the one before was read."""
    reader, writer = os.pipe()
    refused: list[tuple[int, str]] = []

    def write() -> None:
        with os.fdopen(writer, "wb", buffering=0) as pipe:
            for chunk in chunks:
                pipe.write(chunk)

    feeder = threading.Thread(target=write)
    feeder.start()
    try:
        report = record_stream(spool, reader, lambda no, reason: refused.append((no, reason)))
    finally:
        os.close(reader)
        feeder.join()
    return report, refused


def test_every_line_is_a_record(spool: Spool) -> None:
    report, refused = _feed(spool, b"\n".join(GOOD % i for i in range(1000)) + b"\n")
    assert refused == []
    assert (report.recorded, report.first_seq, report.last_seq) == (1000, 1, 1000)


def test_bad_lines_are_reported_by_number_and_cost_no_good_one(spool: Spool) -> None:
    lines = [GOOD % 1, BAD[0], GOOD % 2, b"", *BAD[1:], GOOD % 3]
    report, refused = _feed(spool, b"\n".join(lines))
    assert [number for number, _ in refused] == [2, 5, 6, 7, 8]
    assert (report.recorded, report.refused, spool.store.count()) == (3, 5, 3)
    assert all(reason for _, reason in refused)


@pytest.mark.parametrize(
    "lines",
    [
        [BEGUN, ENDED_AND_ANOTHER, GOOD % 2],
        [BEGUN, b"}", TWO, GOOD % 2],
        [b"", TWO, GOOD % 2],
        [b'{"user":"alice","resource":"r","units":1,"meta":{}', b"}" + GOOD % 1, GOOD % 2],
    ],
)
def test_as_many_objects_as_lines_are_not_yet_an_object_a_line(
    spool: Spool, lines: list[bytes]
) -> None:
    report, refused = _feed(spool, b"\n".join(lines))
    assert [number for number, _ in refused] == [
        i for i, line in enumerate(lines, start=1) if line not in {b"", GOOD % 2}
    ]
    assert report.recorded == 1


def test_a_line_cut_by_the_pipe_is_one_line(spool: Spool) -> None:
    report, refused = _feed(spool, b'{"user":"alice",', b'"resource":"r","un', b'its":5}')
    assert (report.recorded, refused) == (1, [])


def test_a_line_without_end_is_given_up_and_the_next_is_read(spool: Spool) -> None:
    endless = b"x" * (3 * LINE_BYTES_MAX)
    report, refused = _feed(spool, GOOD % 1 + b"\n", endless, b"\n" + GOOD % 2 + b"\n" + BAD[0])
    assert report.recorded == 2
    assert [number for number, _ in refused] == [2, 4]


def test_a_line_without_end_over_many_reads_is_one_bad_line(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = b"x" * (LINE_BYTES_MAX + 1)
    pieces = iter([endless, endless, endless, b"x\n" + GOOD % 1, b"\n" + BAD[0], b""])
    monkeypatch.setattr(stream, "_read", lambda _: next(pieces))
    refused: list[int] = []
    assert record_stream(spool, 0, lambda number, _: refused.append(number)).recorded == 1
    assert refused == [1, 3]


def test_an_id_used_for_something_else_is_a_bad_line(spool: Spool) -> None:
    line = b'{"user":"alice","resource":"r","units":%d,"id":"k"}\n'
    report, refused = _feed(spool, line % 1 + line % 1 + line % 2)
    assert (report.recorded, report.repeated, report.refused) == (1, 1, 1)
    assert refused == [(3, "id: k was recorded as seq 1 with other content")]


def test_a_line_is_recorded_before_the_stream_ends(home: Home, spool: Spool) -> None:
    reader, writer = os.pipe()
    recorder = threading.Thread(target=record_stream, args=(spool, reader, print))
    recorder.start()
    os.write(writer, GOOD % 1 + b"\n")
    pause = threading.Event()
    with Spool.open(home.path) as other:
        for _ in range(1000):
            if other.store.count():
                break
            pause.wait(0.01)
        found = other.store.count()
    os.close(writer)
    recorder.join()
    os.close(reader)
    assert found == 1


@settings(max_examples=25)
@given(
    lines=st.lists(st.sampled_from([GOOD % 1, *BAD, *TORN, b"", b"  "]), max_size=12),
    cuts=st.lists(st.integers(0, 400), max_size=5),
    ends=st.booleans(),
)
def test_however_a_stream_is_cut_the_same_lines_are_taken(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    cuts: list[int],
    ends: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    folder = tmp_path_factory.mktemp("stream")
    url = bare_repo(folder / "remote.git").as_uri()
    init(new_home(folder / "home", NODE, Remote(url)), START)
    data = b"\n".join(lines) + (b"\n" if ends else b"")
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    chunks = [data[a:b] for a, b in pairwise(edges)]
    with Spool.open(folder / "home") as spool, pytest.MonkeyPatch.context() as patch:
        pieces = iter([*chunks, b""])
        patch.setattr(stream, "_read", lambda _: next(pieces))
        refused: list[int] = []
        record_stream(spool, 0, lambda number, _: refused.append(number))
        assert spool.store.count() == lines.count(GOOD % 1)
    assert refused == [i for i, line in enumerate(lines, start=1) if line in {*BAD, *TORN}]


def test_a_file_is_read_as_a_pipe_is(spool: Spool, tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps({"user": "a", "resource": "r", "units": i}) + "\n"
                            for i in range(60_000)))  # fmt: skip
    descriptor = os.open(file, os.O_RDONLY)
    try:
        assert record_stream(spool, descriptor, print).recorded == 60_000
    finally:
        os.close(descriptor)


def _object(pairs: list[tuple[str, str]], colon: str) -> bytes:
    return ("{" + ",".join(f"{name}{colon}{value}" for name, value in pairs) + "}").encode()


_REQUIRED = [('"user"', '"alice"'), ('"resource"', '"r"'), ('"units"', "1")]
_MORE = [
    ('"user"', '"bob"'),
    ('"\\u0075ser"', '"bob"'),
    ('"units"', "1000"),
    ('"applies_to"', '"hero_os_hourly"'),
    ('"applies_to"', '"llm"'),
    ('"ts"', "null"),
    ('"id"', '"1"'),
    ('"meta"', '{"a":1,"user":"x"}'),
    ('"meta"', '{"a":1,"a":2}'),
    ('"meta"', '{"a":"\\":"}'),
]


@given(
    st.lists(st.sampled_from(_MORE), max_size=4).flatmap(
        lambda more: st.permutations(_REQUIRED + more)
    ),
    st.sampled_from([":", ": ", " :", "\t:", " \t: "]),
)
@example([('"user"', '"a"'), ('"user"', '"b"'), ('"resource"', '"r"'), ('"units"', "1")], " :")
def test_an_object_that_repeats_a_key_is_refused_however_it_is_written(
    pairs: list[tuple[str, str]], colon: str
) -> None:
    """Decoders keep the last one, and would choose in silence who pays; `json` is the oracle."""
    line = _object(pairs, colon)
    repeats: list[bool] = []

    def note(found: list[tuple[str, object]]) -> dict[str, object]:
        repeats.append(len(dict(found)) < len(found))
        return dict(found)

    json.loads(line, object_pairs_hook=note)
    one = decode_input(line)
    assert isinstance(one, Refusal) == any(repeats)
    assert not any(repeats) or "is stated more than once" in str(one)
    assert not any(repeats) or decode_inputs(line + b"\n" + GOOD % 7 + b"\n") is None


def test_a_line_that_repeats_a_key_is_refused_among_good_ones(spool: Spool) -> None:
    twice = b'{"user":"alice","user":"bob","resource":"r","units":1,"units":1000}'
    report, refused = _feed(spool, b"\n".join([GOOD % 1, twice, GOOD % 2]) + b"\n")
    assert (report.recorded, refused) == (2, [(2, "user: is stated more than once")])
