"""The listener's protocol: every line is one request, every request gets one answer line."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_pusher.home.home import Home, new_home
from node_pusher.listener.group import GroupRecorder
from node_pusher.listener.protocol import (
    BUFFER_BYTES_MAX,
    NotRecorded,
    Request,
    Requests,
    answer_not_recorded,
)
from node_pusher.listener.room import Seat, gives_way
from node_pusher.spool.file import connection
from tests.node_pusher.conftest import START, MakeHome
from tests.node_pusher.listener.listening import lines_in
from wire_format.fields import LINE_BYTES_MAX

LINES = st.lists(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")), max_size=20)


def taken_all(requests: Requests, count_max: int = 1000) -> list[Request]:
    found: list[Request] = []
    while not requests.is_empty:
        found += requests.take(count_max)
    return found


def feed_in_pieces(requests: Requests, data: bytes, cuts: list[int]) -> None:
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        requests.feed(data[at:cut])
        at = max(at, cut)


@given(LINES, st.lists(st.integers(0, 600), max_size=8), st.integers(1, 5))
def test_requests_are_the_lines_however_they_arrive_and_are_taken(
    lines: list[bytes], cuts: list[int], count_max: int
) -> None:
    requests = Requests()
    feed_in_pieces(requests, b"".join(line + b"\n" for line in lines), cuts)
    requests.end()
    assert taken_all(requests, count_max) == lines


@given(LINES, st.binary(min_size=1, max_size=9).map(lambda data: data.replace(b"\n", b"x")))
def test_a_line_without_its_end_is_no_request_and_is_told_so(
    lines: list[bytes], rest: bytes
) -> None:
    requests = Requests()
    requests.feed(b"".join(line + b"\n" for line in lines) + rest)
    assert taken_all(requests) == lines
    requests.end()
    (told,) = taken_all(requests)
    assert isinstance(told, NotRecorded)
    assert told.retry


@given(
    lines=LINES,
    length=st.integers(LINE_BYTES_MAX, 3 * LINE_BYTES_MAX),
    has_end=st.booleans(),
    cuts=st.lists(st.integers(0, 4 * LINE_BYTES_MAX), max_size=8),
)
def test_after_a_line_that_is_too_long_nothing_is_taken(
    *, lines: list[bytes], length: int, has_end: bool, cuts: list[int]
) -> None:
    requests = Requests()
    # one byte more without its end: then only it is known to be too long
    long = b"x" * length + (b"\n{}\n" if has_end else b"x")
    feed_in_pieces(requests, b"".join(line + b"\n" for line in lines) + long, cuts)
    taken = taken_all(requests)
    assert taken[:-1] == lines
    assert isinstance(taken[-1], NotRecorded)
    assert "longer than 8192 bytes" in taken[-1].reason
    assert not taken[-1].retry
    requests.feed(b"{}\n")
    assert requests.is_over
    assert requests.is_empty


def test_a_line_of_the_longest_length_is_a_request() -> None:
    requests = Requests()
    line = b"x" * (LINE_BYTES_MAX - 1)
    requests.feed(line + b"\n")
    assert taken_all(requests) == [line]


def test_a_client_is_full_long_before_it_fills_the_memory() -> None:
    requests = Requests()
    while not requests.is_full:
        requests.feed(b"{}\n" * 1000)
    assert len(requests._data) < BUFFER_BYTES_MAX + 3000
    requests.take(10**6)
    assert not requests.is_full


@given(reason=st.text(), retry=st.booleans(), caller_id=st.none() | st.text())
def test_an_answer_is_one_line_of_json_whatever_the_reason(
    *, reason: str, retry: bool, caller_id: str | None
) -> None:
    answer = answer_not_recorded(NotRecorded(reason, retry=retry), caller_id)
    assert answer.endswith(b"\n")
    assert answer.count(b"\n") == 1
    said = json.loads(answer)
    assert said["retry"] is retry
    assert said.get("id") == caller_id
    assert len(answer) < 4096 or caller_id


def test_a_reason_that_is_no_text_is_still_told() -> None:
    assert json.loads(answer_not_recorded(NotRecorded("\udcff.db")))["error"] == "?.db"


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One home for all examples: what one leaves must not disturb the next."""
    from gitmeter.git_remote.remote import Remote
    from node_pusher.joining.init import init
    from tests.node_pusher.conftest import NODE, START
    from tests.support.repos import bare_repo

    folder = tmp_path_factory.mktemp("fuzzed")
    home = new_home(folder / "home", NODE, Remote(bare_repo(folder / "remote.git").as_uri()))
    init(home, START)
    return home


FIELDS = st.fixed_dictionaries(
    {"user": st.sampled_from(["alice", "", "a b", 7]), "units": st.sampled_from([1, -1, 2**60])},
    optional={
        "resource": st.sampled_from(["r", "é", None]),
        "id": st.sampled_from(["a", "b", "c", "a b", ""]),
        "ts": st.sampled_from(["2026-11-21T13:05:00Z", "tomorrow", "2999-01-01T00:00:00Z"]),
        "meta": st.sampled_from([{}, {"k": 1}, {"K": [1]}]),
        "more": st.just(1),
    },
)
REQUESTS = st.lists(
    st.binary(max_size=40)
    | st.text(max_size=40).map(lambda text: text.encode(errors="replace"))
    | FIELDS.map(lambda fields: json.dumps(fields).encode())
    | st.just(b'{"user":"a","resource":"r","units":1}'),
    max_size=12,
)


@given(requests=REQUESTS)
def test_every_request_gets_one_answer_and_each_seq_is_in_the_spool(
    fuzzed: Home, requests: list[bytes]
) -> None:
    before = len(lines_in(fuzzed.path))
    with GroupRecorder(fuzzed.path, pytest.fail) as recorder:
        answers = [json.loads(line) for line in recorder.record(requests)]
    assert len(answers) == len(requests)
    in_spool = {line["seq"] for line in lines_in(fuzzed.path)}
    new = [a["seq"] for a in answers if "seq" in a and "repeated" not in a]
    assert in_spool >= set(new)
    assert len(in_spool) == before + len(set(new)) == before + len(new)
    assert all(a["retry"] is False for a in answers if "error" in a)


def test_a_group_is_one_transaction(make_home: MakeHome, tmp_path: Path) -> None:
    """Records of several clients share one fsync; a bad one costs none of the others."""
    home = make_home()
    good = b'{"user":"a","resource":"r","units":1}'
    with GroupRecorder(home.path, pytest.fail) as recorder:
        statements: list[str] = []
        spool = recorder._spool
        assert spool is not None
        spool.store._connection.set_trace_callback(statements.append)
        answers = [json.loads(a) for a in recorder.record([good, b"bad", good, good])]
    assert [a.get("seq") for a in answers] == [1, None, 2, 3]
    assert statements.count("COMMIT") == 1


def test_a_spool_that_others_write_for_too_long_is_to_be_tried_again(
    make_home: MakeHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_BUSY_TIMEOUT_S", 0.05)
    home = make_home()
    good = b'{"user":"a","resource":"r","units":1,"id":"k"}'
    told: list[str] = []
    with (
        GroupRecorder(home.path, told.append) as recorder,
        closing(sqlite3.connect(home.spool_file, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            refused, bad = (json.loads(answer) for answer in recorder.record([good, b"{"]))
            assert (refused["retry"], refused["id"], bad["retry"]) == (True, "k", False)
        other.execute("ROLLBACK")
        (answer,) = recorder.record([good])
    assert json.loads(answer)["seq"] == 1
    assert len(told) == 2, "once when it begins, once when it is over"
    assert "locked" in told[0]


def test_a_clock_that_is_wrong_is_to_be_tried_again_and_costs_nothing(
    make_home: MakeHome,
) -> None:
    """In 1970 nothing is recorded; behind by an hour, a time of the caller's own is refused."""
    home, now = make_home(), datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    good = b'{"user":"a","resource":"r","units":1,"id":"k"}'
    timed = b'{"user":"a","resource":"r","units":1,"id":"t","ts":"2026-11-21T13:05:00Z"}'
    told: list[str] = []

    def answers() -> list[dict[str, Any]]:
        return [json.loads(answer) for answer in recorder.record([good, timed, b"{}"])]

    with GroupRecorder(home.path, told.append, lambda: now) as recorder:
        for _ in range(2):
            early = answers()
            assert [answer["retry"] for answer in early] == [True, True, False]
            assert "clock is wrong: it says 1970-01-01;" in early[0]["error"]
            now += timedelta(minutes=1)
        assert "timedatectl" in told[0]
        assert lines_in(home.path) == []
        now = START - timedelta(hours=1)
        behind = answers()
        assert [answer.get("retry") for answer in behind] == [None, True, False]
        now = START
        assert [answer.get("seq") for answer in answers()] == [1, 2, None]
        now = START - timedelta(days=2)
        (far,) = recorder.record([timed.replace(b'"t"', b'"u"')])
    assert json.loads(far)["retry"] is False
    assert len(told) == 2, "once when it begins, once when it is over"


def test_an_id_counts_for_the_user_who_sent_it(make_home: MakeHome) -> None:
    home = make_home()
    one, other = (
        b'{"user":"%b","resource":"r","units":1,"id":"k"}' % user for user in (b"a", b"b")
    )
    with GroupRecorder(home.path, pytest.fail) as recorder:
        first = recorder.record([one, b"bad", other, one, one], [7, 7, 8, 7, 8])
        later = recorder.record([one, other], [9, 8])
    answers = [json.loads(answer) for answer in (*first, *later)]
    assert [answer.get("seq") for answer in answers] == [1, None, 2, 1, None, 3, 2]
    assert "recorded as seq 2 with other content" in answers[4]["error"]


def test_an_id_that_an_earlier_version_recorded_is_anybodys(make_home: MakeHome) -> None:
    """Such a spool does not say whose it is, and a retry must not count twice."""
    home = make_home()
    request = b'{"user":"a","resource":"r","units":1,"id":"k"}'
    with GroupRecorder(home.path, pytest.fail) as recorder:
        recorder.record([request], [7])
        with closing(sqlite3.connect(home.spool_file, isolation_level=None)) as spool:
            spool.execute("UPDATE ids SET id = 'k'")
        answers = [json.loads(a) for a in recorder.record([request, request], [7, 8])]
    assert [(answer["seq"], answer["repeated"]) for answer in answers] == [(1, True), (1, True)]


SEATS = st.lists(
    st.builds(Seat, st.integers(0, 3), st.integers(0, 1000), st.booleans()), min_size=1, max_size=20
)


@given(seats=SEATS, owner=st.integers(0, 4))
def test_who_gives_way_has_the_most_connections(seats: list[Seat], owner: int) -> None:
    counts = Counter([*(seat.owner for seat in seats), owner])
    found = gives_way(seats, owner)
    if found is None:
        most = max(counts[seat.owner] for seat in seats)
        holders = [seat for seat in seats if counts[seat.owner] == most]
        assert all(seat.owner == owner and not seat.is_idle for seat in holders)
        return
    gone = seats[found]
    assert all(counts[gone.owner] >= counts[seat.owner] for seat in seats)
    own = [seat for seat in seats if seat.owner == gone.owner]
    assert gone.is_idle or not any(seat.is_idle for seat in own)
    better = [seat for seat in own if seat.is_idle == gone.is_idle]
    assert gone.last_used == min(seat.last_used for seat in better)
