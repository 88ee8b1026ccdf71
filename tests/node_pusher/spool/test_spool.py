"""A record is given its number for good; retries and several writers do no harm."""

import multiprocessing
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_pusher import InvalidRecordError, Recorded, Refusal, Spool
from node_pusher.home.errors import HomeError, NotInitialisedError
from node_pusher.home.home import Home
from node_pusher.spool.drafts import UNNUMBERED, draft_inputs
from node_pusher.spool.inputs import UsageInput
from node_pusher.spool.outcomes import SpoolError
from node_pusher.spool.plan import Span, plan
from tests.node_pusher.conftest import NODE, START, FixedClock
from tests.node_pusher.drafts import account_draft, attempt_draft
from wire_format.field_types import MoneyKind
from wire_format.fields import INT_MAX, LINE_BYTES_MAX, META_ENTRIES_MAX
from wire_format.instants import format_ts, parse_ts, to_us
from wire_format.lines import Folder, Money
from wire_format.segment import decode_segment

EVERYTHING = Span(1, INT_MAX)


@pytest.fixture
def spool(home: Home, clock: FixedClock) -> Spool:
    return Spool.open(home.path, clock=clock)


def _lines(spool: Spool) -> list[bytes]:
    return spool.store.lines(EVERYTHING).splitlines()


def test_a_record_becomes_one_canonical_line(spool: Spool) -> None:
    done = spool.record(
        user="alice",
        resource="llm/openai/gpt-4o/output_tokens",
        units=512,
        applies_to="llm",
        instance="key-1",
        id="req-8c1f",
        ts="2026-11-21T14:05:00.120+01:00",
        meta={"zone": "eu", "batch": 3},
    )
    assert done == Recorded(NODE, 1, START + timedelta(milliseconds=120), repeated=False)
    assert _lines(spool) == [
        (
            b'{"v":1,"node":"embedder-01","seq":1,"ts":"2026-11-21T13:05:00.120000Z",'
            b'"user":"alice","resource":"llm/openai/gpt-4o/output_tokens","applies_to":"llm",'
            b'"units":512,"instance":"key-1","id":"req-8c1f","meta":{"batch":3,"zone":"eu"}}'
        )
    ]


def test_a_record_without_a_time_gets_the_clocks(spool: Spool, clock: FixedClock) -> None:
    clock.move(timedelta(hours=3))
    assert spool.record(user="a", resource="r", units=1).ts == START + timedelta(hours=3)


def test_what_was_recorded_is_read_by_the_next_process(home: Home) -> None:
    program = Path(sys.executable).with_name("node-pusher")
    options = ("--user", "a", "--resource", "r", "--units", "7")
    subprocess.run([program, "--home", home.path, "record", *options], check=True)
    with Spool.open(home.path) as spool:
        assert b'"units":7' in _lines(spool)[0]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"user": ""}, "user"),
        ({"user": "two words"}, "user"),
        ({"user": "\ud800"}, "surrogates"),
        ({"user": 5}, "user"),
        ({"resource": "a b"}, "resource"),
        ({"units": -1}, "units"),
        ({"units": 2**53}, "units"),
        ({"units": 1.5}, "units"),
        ({"units": "1"}, "units"),
        ({"applies_to": "other"}, "applies_to"),
        ({"instance": ""}, "instance"),
        ({"id": "x" * 65}, "id"),
        ({"ts": "2026-11-21T13:05:00"}, "offset"),
        ({"ts": "2026-11-21T12:59:59.9999996Z"}, "6 decimals"),
        ({"ts": "2026-02-30T12:00:00Z"}, "exists"),
        ({"ts": "1999-12-31T23:59:59Z"}, "2000"),
        ({"ts": "0001-01-01T00:00:00+14:00"}, "exists"),
        ({"meta": {"UPPER": 1}}, "meta"),
        ({"meta": {f"k{i}": 1 for i in range(META_ENTRIES_MAX + 1)}}, "meta"),
        ({"meta": {"k": 1.5}}, "meta"),
        ({"seq": 4}, "seq"),
    ],
)  # fmt: skip
def test_what_breaks_a_rule_is_refused_with_its_field_and_takes_no_number(
    spool: Spool, values: dict[str, object], reason: str
) -> None:
    good: dict[str, object] = {"user": "a", "resource": "r", "units": 1}
    with pytest.raises(InvalidRecordError, match=re.escape(reason)):
        spool.record_many([good, good | values])
    assert _lines(spool) == []
    assert spool.record(user="a", resource="r", units=1).seq == 1


def test_a_line_never_gets_longer_than_the_wire_format_allows(spool: Spool) -> None:
    """Quotes double in JSON, so fields within their limits can make a line that is too long."""
    meta = {f"{i:02d}{'k' * 38}": '"' * 200 for i in range(META_ENTRIES_MAX)}
    padding: dict[str, object] = {
        "user": "u" * 256, "resource": "r" * 200, "instance": "i" * 128, "id": "d" * 64,
    }  # fmt: skip
    record = {"units": 1, "meta": meta, **padding}
    try:
        spool.record_many([record])
    except InvalidRecordError as error:
        assert str(LINE_BYTES_MAX) in str(error)  # noqa: PT017 - either is right
    assert all(len(line) < LINE_BYTES_MAX for line in _lines(spool))


def test_the_same_id_and_content_gives_the_same_number(spool: Spool, clock: FixedClock) -> None:
    first = spool.record(user="a", resource="r", units=1, id="k")
    clock.move(timedelta(days=6, hours=23))
    assert spool.record(user="a", resource="r", units=1, id="k") == first._replace(repeated=True)
    assert len(_lines(spool)) == 1


def test_the_same_id_with_other_content_is_refused(spool: Spool) -> None:
    ts = format_ts(START)
    spool.record(user="a", resource="r", units=1, id="k", ts=ts)
    for values in ({"units": 2}, {"user": "b"}, {"ts": "2026-11-21T13:06:00Z"}, {"ts": None}):
        with pytest.raises(InvalidRecordError, match="k was recorded as seq 1 with other content"):
            spool.record_many(
                [{"user": "a", "resource": "r", "units": 1, "id": "k", "ts": ts, **values}]
            )
    assert len(_lines(spool)) == 1


@pytest.mark.parametrize(
    "jumps_days", [(-10,), (8,), (400, -400), (-3650, 3650), (2, -1) * 7], ids=str
)
def test_an_id_is_known_for_seven_days_wherever_the_clock_jumps(
    spool: Spool, clock: FixedClock, jumps_days: tuple[int, ...]
) -> None:
    """The clock is set while the caller waits, and others record with ids of their own."""
    clock.now = parse_ts("2050-01-01T00:00:00Z")
    first = spool.record(user="a", resource="r", units=1, id="k")
    for number, days in enumerate(jumps_days):
        clock.move(timedelta(days=days))
        spool.record(user="b", resource="r", units=1, id=f"other-{number}")
    for hour in range(24 * 7):
        spool.record(user="b", resource="r", units=1, id=f"hour-{hour}")
        clock.move(timedelta(hours=1))
    again = spool.record(user="a", resource="r", units=1, id="k")
    assert again == first._replace(repeated=True)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=30)])
def test_ids_are_forgotten_in_the_end(spool: Spool, clock: FixedClock, step: timedelta) -> None:
    """Fifteen days that the spool saw pass, or fifteen records that were further apart."""
    spool.record(user="a", resource="r", units=1, id="k")
    for number in range(15 * timedelta(days=1) // min(step, timedelta(days=1))):
        clock.move(step)
        spool.record(user="b", resource="r", units=1, id=f"other-{number}")
    assert not spool.record(user="a", resource="r", units=2, id="k").repeated


def test_ids_of_a_spool_of_version_1_are_still_known(
    home: Home, spool: Spool, clock: FixedClock
) -> None:
    """Version 1 kept them by the machine's clock, which may be wrong when the spool is opened."""
    first = spool.record(user="a", resource="r", units=1, id="k")
    spool.close()
    with closing(sqlite3.connect(home.spool_file)) as file, file:
        for column in ("id_seen_us", "id_clock_us"):
            file.execute(f"ALTER TABLE state DROP COLUMN {column}")
        file.execute("UPDATE ids SET expires_us = ?", (to_us(START + timedelta(days=7)),))
        file.execute("DROP TABLE entered_by")
        file.execute("PRAGMA user_version = 1")
    clock.move(timedelta(days=3000))
    with Spool.open(home.path, clock=clock) as opened:
        again = opened.record(user="a", resource="r", units=1, id="k")
    assert again == first._replace(repeated=True)


def test_the_same_id_twice_in_one_call_is_one_record(spool: Spool) -> None:
    one = {"user": "a", "resource": "r", "units": 1, "id": "k"}
    first, second = spool.record_many([one, one])
    assert (first.seq, second.seq, second.repeated) == (1, 1, True)


def test_a_refusal_costs_the_others_nothing(spool: Spool) -> None:
    outcomes = spool.append_inputs(
        [
            UsageInput(user="a", resource="r", units=1),
            UsageInput(user="a b", resource="r", units=1),
            Refusal("said before"),
            UsageInput(user="a", resource="r", units=2),
        ]
    )
    assert [isinstance(outcome, Recorded) for outcome in outcomes] == [True, False, False, True]
    assert [outcome.seq for outcome in outcomes if isinstance(outcome, Recorded)] == [1, 2]


def test_money_lines_share_the_counter_and_must_refer_backwards(spool: Spool) -> None:
    def money(kind: MoneyKind, refers_to: int | None = None) -> Money:
        return Money(
            v=1,
            node=NODE,
            seq=UNNUMBERED,
            ts=START,
            user="a",
            kind=kind,
            provider="manual",
            refers_to=refers_to,
            amount="10.00",
            currency="USD",
            status="succeeded",
        )

    spool.record(user="a", resource="r", units=1)
    payment, refund, ahead = spool.append(
        Folder.PAYMENTS,
        [money("payment"), money("refund", refers_to=2), money("refund", refers_to=9)],
    )
    assert isinstance(payment, Recorded)
    assert isinstance(refund, Recorded)
    assert (payment.seq, refund.seq) == (2, 3)
    assert ahead == Refusal("names seq 9, which is not an earlier one")
    assert decode_segment(spool.store.lines(Span(2, 3)), Folder.PAYMENTS).rejects == ()


def test_lines_of_both_versions_get_numbers_and_keep_their_version(spool: Spool) -> None:
    """What is read back is what was given, in the folder that it was given for."""
    attempt = attempt_draft("ended", reason="card_declined")
    spool.record(user="a", resource="r", units=1)
    spool.append(Folder.PAYMENTS, [attempt])
    spool.append(Folder.ACCOUNTS, [account_draft("open"), account_draft("suspend", reason="abuse")])
    assert [line[:6] for line in _lines(spool)] == [b'{"v":1', b'{"v":2', b'{"v":2', b'{"v":2']
    planned = [(found.folder, found.segments) for found in plan(spool.store.unsent(()))]
    assert planned == [
        (Folder.USAGE, (Span(1, 1),)),
        (Folder.PAYMENTS, (Span(2, 2),)),
        (Folder.ACCOUNTS, (Span(3, 4),)),
    ]
    (read,) = decode_segment(spool.store.lines(Span(2, 2)), Folder.PAYMENTS).records
    assert read == msgspec.structs.replace(attempt, seq=2)
    opened, suspended = decode_segment(spool.store.lines(Span(3, 4)), Folder.ACCOUNTS).records
    assert (opened.seq, suspended) == (
        3,
        msgspec.structs.replace(account_draft("suspend", reason="abuse"), seq=4),
    )


def test_a_line_of_version_2_that_breaks_a_rule_is_refused(spool: Spool) -> None:
    (refused,) = spool.append(Folder.ACCOUNTS, [account_draft("plan", plan="pro")])
    assert refused == Refusal("from: required in a line of the kind plan")
    assert _lines(spool) == []


@given(
    st.lists(
        st.builds(
            UsageInput,
            user=st.text(max_size=4) | st.just("alice"),
            resource=st.text(max_size=3) | st.just("r"),
            units=st.integers(-1, 2**54),
            applies_to=st.sampled_from(["llm", "vm", "hero_os_hourly", "x"]),
            ts=st.none() | st.sampled_from(["2026-11-21T13:05:00Z", "soon"]),
            id=st.none() | st.text(max_size=3),
            meta=st.none() | st.dictionaries(st.text(max_size=2), st.integers() | st.text()),
        ),
        max_size=5,
    )
)
def test_every_draft_makes_a_line_that_the_wire_format_accepts(inputs: list[UsageInput]) -> None:
    drafts = draft_inputs(inputs, NODE, START)
    good = [draft for draft in drafts if not isinstance(draft, Refusal)]
    data = b"".join(
        b'{"v":1,"node":"embedder-01","seq":%d' % seq + draft.rest
        for seq, draft in enumerate(good, start=1)
    )
    assert decode_segment(data, Folder.USAGE).rejects == ()
    alone = [draft_inputs([one], NODE, START)[0] for one in inputs]
    assert [isinstance(d, Refusal) for d in alone] == [isinstance(d, Refusal) for d in drafts]


def _write_many(path: Path, user: str) -> None:
    with Spool.open(path) as spool:
        for i in range(50):
            spool.record_many({"user": user, "resource": "r", "units": i} for _ in range(4))


def test_writers_at_once_get_distinct_contiguous_numbers(home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write_many, args=(home.path, f"writer-{i}")) for i in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    with Spool.open(home.path) as spool:
        records = decode_segment(spool.store.lines(EVERYTHING), Folder.USAGE).records
        assert [record.seq for record in records] == list(range(1, 801))
        assert spool.store.state().next_seq == 801


def test_a_folder_without_a_node_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotInitialisedError, match=str(tmp_path / "none")):
        Spool.open(tmp_path / "none")


def test_a_spool_of_another_node_is_refused(home: Home) -> None:
    settings = home.path / "node.toml"
    settings.write_text(settings.read_text().replace(NODE, "other-01"))
    with pytest.raises(HomeError, match="spool of embedder-01, not of other-01"):
        Spool.open(home.path)


def test_a_full_disk_loses_nothing_in_silence(home: Home, clock: FixedClock) -> None:
    with Spool.open(home.path, clock=clock) as spool:
        spool.record(user="a", resource="r", units=1)
        connection: sqlite3.Connection = spool.store._connection
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(SpoolError, match="full") as raised:
            spool.record_many({"user": "a", "resource": "r", "units": i} for i in range(5000))
        assert raised.value.retry
        connection.execute("PRAGMA max_page_count = 1000000")
        assert spool.record(user="a", resource="r", units=2).seq == 2
