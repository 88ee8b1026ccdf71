"""Commit messages that read as a billing history.

    usage: embedder-01 seq 1201..1300 (100 records)

    llm/openai/gpt-4o/input_tokens        48211 in 50 records
    llm/openai/gpt-4o/output_tokens       12004 in 50 records

    Node: embedder-01
    Seq: 1201..1300
    Records: 100
    First-Ts: 2026-11-21T13:00:04.120000Z
    Last-Ts: 2026-11-21T13:59:58Z

Lines of the books that a person entered have a trailer `By:` too.

The last paragraph is git trailers, so `git log --format='%h %(trailers:key=Records)'` is a report.
A commit that claims an epoch has the trailers `Node:` and `Epoch:`; the first one of a node's next
repo names the last commit of the one before it in `Continues:`. Messages are for people and for
the node's own next push; the aggregator bills from the lines alone.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from wire_format.fields import INT_MAX, is_node
from wire_format.instants import InvalidInstantError, format_ts, parse_ts
from wire_format.lines import Folder

TOTALS_SHOWN_MAX: Final = 40
_SEQ = re.compile(r"([0-9]{1,16})\.\.([0-9]{1,16})")
_RECORDS = re.compile(r"[1-9][0-9]{0,8}")
_TRAILER = re.compile(r"([A-Za-z][A-Za-z-]*): (.*)")


class Total(NamedTuple):
    """The total of one commit for one resource (or one kind of money line or decision).

    Attributes:
        name: the resource, or kind and currency, or kind.
        amount: the sum as text, in the resource's own units or in the currency; for decisions,
            their number.
        records: the number of records in it.
    """

    name: str
    amount: str
    records: int


class Summary(NamedTuple):
    """What a commit of segments states about itself.

    Attributes:
        node: the node that wrote the records.
        first_seq, last_seq: their range, both ends included.
        records: how many.
        first_ts, last_ts: the earliest and latest `ts`.
    """

    node: str
    first_seq: int
    last_seq: int
    records: int
    first_ts: datetime
    last_ts: datetime


def build_message(
    folder: Folder, summary: Summary, totals: Sequence[Total], *, by: str = ""
) -> str:
    """Write the commit message of segments of one folder.

    Args:
        folder: the kind of lines.
        summary: what the commit states about itself.
        totals: its totals.
        by: who entered the lines; empty if nobody did.
    """
    noun = "record" if summary.records == 1 else "records"
    span = f"{summary.first_seq}..{summary.last_seq}"
    subject = f"{folder}: {summary.node} seq {span} ({summary.records} {noun})"
    trailers = [
        f"Node: {summary.node}",
        f"Seq: {span}",
        f"Records: {summary.records}",
        f"First-Ts: {format_ts(summary.first_ts)}",
        f"Last-Ts: {format_ts(summary.last_ts)}",
        *([f"By: {by}"] if by else []),
    ]
    paragraphs = ["\n".join(_table(totals)), "\n".join(trailers)]
    return "\n\n".join([subject, *(text for text in paragraphs if text)]) + "\n"


def _table(totals: Sequence[Total]) -> list[str]:
    shown = totals[:TOTALS_SHOWN_MAX]
    name_width = max((len(total.name) for total in shown), default=0)
    amount_width = max((len(total.amount) for total in shown), default=0)
    rows = [
        f"{total.name:<{name_width}}  {total.amount:>{amount_width}} in {total.records}"
        f" {'record' if total.records == 1 else 'records'}"
        for total in shown
    ]
    if len(totals) > len(shown):
        rows.append(f"and {len(totals) - len(shown)} more")
    return rows


def build_epoch_message(node: str, epoch: int, first_seq: int) -> str:
    """Write the commit message that claims an epoch for a node.

    Args:
        node: the node's name.
        epoch: from 0.
        first_seq: the first number of the epoch.
    """
    subject = f"node: {node} starts epoch {epoch} at seq {first_seq}"
    return f"{subject}\n\nNode: {node}\nEpoch: {epoch}\n"


def build_continuation_message(node: str, epoch: int, continues: str | None) -> str:
    """Write the message of the first commit in a node's next repo.

    Args:
        node: the node's name.
        epoch: the epoch in use.
        continues: the tip of its previous repo at that time; None if that had no commit.
    """
    trailers = f"Node: {node}\nEpoch: {epoch}\n"
    if continues is not None:
        trailers += f"Continues: {continues}\n"
    return f"node: {node} goes on here in epoch {epoch}\n\n{trailers}"


def build_moved_message(node: str, url: str) -> str:
    """Write the message of the last commit in a repo that a node has left for its next one.

    Args:
        node: the node's name.
        url: the address of the next repo.
    """
    return f"node: {node} goes on in another repo\n\nNode: {node}\nContinued-In: {url}\n"


def stated_node(message: str) -> str | None:
    """The node that a commit of any kind names in its trailers; None when it names none."""
    node = _trailers(message).get("Node", "")
    return node if is_node(node) else None


def stated_trailer(message: str, key: str) -> str | None:
    """What a commit says of itself under a name: who acted (`By`), why (`Reason`), or None."""
    return _trailers(message).get(key)


def _trailers(message: str) -> dict[str, str]:
    last_paragraph = message.rstrip("\n").rpartition("\n\n")[2]
    return {
        match[1]: match[2]
        for match in map(_TRAILER.fullmatch, last_paragraph.split("\n"))
        if match is not None
    }


def parse_message(message: str) -> Summary | None:
    """Read the trailers back; None when the commit states no segments."""
    found = _trailers(message)
    span = _SEQ.fullmatch(found.get("Seq", ""))
    records = found.get("Records", "")
    if span is None or _RECORDS.fullmatch(records) is None or not is_node(found.get("Node", "")):
        return None
    first_seq, last_seq = int(span[1]), int(span[2])
    if not 1 <= first_seq <= last_seq <= INT_MAX:
        return None
    try:
        first_ts, last_ts = (parse_ts(found.get(key, "")) for key in ("First-Ts", "Last-Ts"))
    except InvalidInstantError:
        return None
    return Summary(found["Node"], first_seq, last_seq, int(records), first_ts, last_ts)
