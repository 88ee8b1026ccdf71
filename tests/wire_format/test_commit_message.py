"""Commit messages round trip, are git trailers, and read as a billing history."""

import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire_format.generated import (
    INT_MAX,
    RESOURCE_CHARACTERS,
    folders,
    nodes,
    texts,
    utc_instants,
)
from wire_format.commit_message import (
    Summary,
    Total,
    build_continuation_message,
    build_epoch_message,
    build_message,
    build_moved_message,
    parse_message,
    stated_node,
)
from wire_format.lines import Folder

SUMMARY = Summary(
    node="embedder-01",
    first_seq=1201,
    last_seq=1300,
    records=100,
    first_ts=datetime(2026, 11, 21, 13, 0, 4, 120000, tzinfo=UTC),
    last_ts=datetime(2026, 11, 21, 13, 59, 58, tzinfo=UTC),
)
TOTALS = (
    Total("llm/openai/gpt-4o/input_tokens", "48211", 99),
    Total("llm/openai/gpt-4o/output_tokens", "7", 1),
)
MESSAGE = """\
usage: embedder-01 seq 1201..1300 (100 records)

llm/openai/gpt-4o/input_tokens   48211 in 99 records
llm/openai/gpt-4o/output_tokens      7 in 1 record

Node: embedder-01
Seq: 1201..1300
Records: 100
First-Ts: 2026-11-21T13:00:04.120000Z
Last-Ts: 2026-11-21T13:59:58Z
"""


@st.composite
def summaries(draw: st.DrawFn) -> Summary:
    first_seq = draw(st.integers(1, INT_MAX))
    return Summary(
        node=draw(nodes),
        first_seq=first_seq,
        last_seq=draw(st.integers(first_seq, INT_MAX)),
        records=draw(st.integers(1, 400_000)),
        first_ts=draw(utc_instants),
        last_ts=draw(utc_instants),
    )


totals = st.lists(
    st.builds(
        Total,
        name=texts(RESOURCE_CHARACTERS, 200),
        amount=st.integers(-(2**70), 2**70).map(str),
        records=st.integers(1, 400_000),
    ),
    max_size=45,
)


@given(folder=folders, summary=summaries(), rows=totals)
def test_writing_and_reading_a_message_gives_the_same_summary(
    folder: Folder, summary: Summary, rows: list[Total]
) -> None:
    assert parse_message(build_message(folder, summary, rows)) == summary


@given(
    text=st.text(max_size=300)
    | st.lists(
        st.sampled_from([*MESSAGE.splitlines(), "", "Seq: 5..3", "Seq: 0..0", "Records: 0"]),
        max_size=12,
    ).map("\n".join)
)
def test_any_text_is_a_summary_or_none(text: str) -> None:
    summary = parse_message(text)
    assert summary is None or 1 <= summary.first_seq <= summary.last_seq <= INT_MAX


def test_a_message_reads_as_a_billing_history() -> None:
    assert build_message(Folder.USAGE, SUMMARY, TOTALS) == MESSAGE


def test_the_claim_of_an_epoch_names_its_node_and_states_no_segments() -> None:
    message = build_epoch_message("embedder-01", 1, 1_000_000_001)
    assert message == (
        "node: embedder-01 starts epoch 1 at seq 1000000001\n\nNode: embedder-01\nEpoch: 1\n"
    )
    assert parse_message(message) is None
    assert stated_node(message) == stated_node(MESSAGE) == "embedder-01"


@pytest.mark.parametrize("continues", [None, "a" * 40])
def test_a_rollover_is_told_in_both_repos_and_states_no_segments(continues: str | None) -> None:
    first = build_continuation_message("embedder-01", 0, continues)
    last = build_moved_message("embedder-01", "https://forge.example/ops/n.2027.git")
    named = "" if continues is None else f"Continues: {continues}\n"
    assert first == (
        f"node: embedder-01 goes on here in epoch 0\n\nNode: embedder-01\nEpoch: 0\n{named}"
    )
    assert last == (
        "node: embedder-01 goes on in another repo\n\nNode: embedder-01\n"
        "Continued-In: https://forge.example/ops/n.2027.git\n"
    )
    assert parse_message(first) is parse_message(last) is None
    assert stated_node(first) == stated_node(last) == "embedder-01"


@pytest.mark.parametrize("message", ["", "Node: a\n\nno trailer", "x\n\nNode: Not A Node\n"])
def test_a_message_that_names_no_node(message: str) -> None:
    assert stated_node(message) is None


def test_one_record_is_not_called_records() -> None:
    one = SUMMARY._replace(last_seq=1201, records=1)
    assert build_message(Folder.PAYMENTS, one, ()).startswith(
        "payments: embedder-01 seq 1201..1201 (1 record)\n\nNode: "
    )


def test_a_long_table_is_cut_and_says_so() -> None:
    rows = [Total(f"r{n:02d}", "1", 1) for n in range(43)]
    assert "\nr39  1 in 1 record\nand 3 more\n\n" in build_message(Folder.USAGE, SUMMARY, rows)


@pytest.mark.parametrize("rows", [TOTALS, ()])
def test_git_reads_the_same_trailers(rows: tuple[Total, ...]) -> None:
    message = build_message(Folder.USAGE, SUMMARY, rows)
    result = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message.encode(),
        capture_output=True,
        check=True,
    )
    assert result.stdout.decode() == message.rpartition("\n\n")[2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Seq: 1201..1300", "Seq: 1300..1201"),
        ("Seq: 1201..1300", "Seq: 0..1300"),
        ("Seq: 1201..1300", "Seq: 1201..9999999999999999"),
        ("Seq: 1201..1300", "Seq: 1201-1300"),
        ("Records: 100", "Records: 0"),
        ("Records: 100", "Records: many"),
        ("Node: embedder-01", "Node: Embedder 01"),
        ("Node: embedder-01\n", ""),
        ("First-Ts: 2026-11-21T13:00:04.120000Z", "First-Ts: yesterday"),
        ("Last-Ts: 2026-11-21T13:59:58Z\n", ""),
        ("Last-Ts: 2026-11-21T13:59:58Z\n", "Last-Ts: 2026-11-21T13:59:58Z\n\nand more text\n"),
    ],
)
def test_a_message_that_states_no_segments_is_none(old: str, new: str) -> None:
    assert MESSAGE.count(old) == 1
    assert parse_message(MESSAGE.replace(old, new)) is None
