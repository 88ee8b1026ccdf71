"""From a service's input to lines that lack only their `seq`.

Every line is decoded by the wire format's own reader before it enters the spool, so no line leaves
a node that the aggregator would reject. The encoding of a line starts with its version, node and
`seq`, so the line is prepared outside the spool's transaction with the largest `seq` as a
placeholder, and only that number is replaced inside it.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from node_pusher.spool.inputs import UsageInput
from node_pusher.spool.outcomes import Refusal
from wire_format.faults import Fault
from wire_format.fields import APPLIES_TO_DEFAULT, INT_MAX, LINE_BYTES_MAX, VERSION
from wire_format.instants import format_ts
from wire_format.lines import Account, Folder, Line, Usage, encode_lines
from wire_format.segment import decode_line, decode_segment

UNNUMBERED: Final = INT_MAX
"""The `seq` of a line that has none yet; no other number makes a line longer."""

AHEAD_MAX: Final = timedelta(seconds=300)
"""How far a record, and the date of a commit, may be ahead of this machine's clock."""

_CLOCK_BEHIND_MAX: Final = timedelta(days=1)
"""A record that is further ahead is a mistake of its writer, not of this machine's clock."""

_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_FINGERPRINT_BYTES: Final = 16


class Draft(NamedTuple):
    """A valid line that lacks its `seq`.

    Attributes:
        ts: its instant.
        rest: its bytes after the `seq`, newline included.
        id: the caller's key.
        fingerprint: a hash of its content; empty without an id.
        names_seq: the seq of the earlier record that a correction, a refund or the withdrawal of a
            decision names.
        owner: the local user whose key `id` is; None for the user of this process.
        v: its wire version.
    """

    ts: datetime
    rest: bytes
    id: str | None
    fingerprint: bytes
    names_seq: int | None
    owner: int | None = None
    v: int = VERSION


def draft_inputs(
    inputs: Iterable[UsageInput | Refusal], node: str, now: datetime
) -> list[Draft | Refusal]:
    """Make drafts of a service's inputs; refusals pass through.

    Args:
        inputs: what is to be recorded.
        node: the node that records.
        now: the time of inputs that state none.
    """
    lines: list[Line | Refusal] = []
    defaulted: list[bool] = []
    for item in inputs:
        if isinstance(item, Refusal):
            lines.append(item)
            defaulted.append(False)
        else:
            lines.append(_usage(item, node, now))
            defaulted.append(item.ts is None)
    return draft_lines(lines, node, Folder.USAGE, defaulted)


def draft_lines(
    lines: Sequence[Line | Refusal],
    node: str,
    folder: Folder,
    ts_defaulted: Sequence[bool] = (),
) -> list[Draft | Refusal]:
    """Make drafts of lines of `node` that have the `seq` `UNNUMBERED`; refusals pass through.

    Args:
        lines: what is to be recorded.
        node: the node that records.
        folder: the folder of the repo that the lines go to.
        ts_defaulted: for each line whether its `ts` is not the caller's, and so not part of its
            content; empty if all are the caller's.
    """
    defaulted = ts_defaulted or [False] * len(lines)
    drafts = _draft_together(lines, node, folder, defaulted)
    if drafts is not None:
        return drafts
    return [
        line if isinstance(line, Refusal) else _draft_alone(line, node, folder, no_ts)
        for line, no_ts in zip(lines, defaulted, strict=True)
    ]


def parse_instant(text: str) -> datetime | Refusal:
    """Read an instant with its UTC offset and at most 6 decimals (a seventh would be rounded)."""
    if _INSTANT.fullmatch(text) is None:
        return Refusal(
            "ts: must be such as 2026-11-21T13:05:00Z: with its offset and at most 6 decimals"
        )
    try:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is UTC else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        return Refusal(f"ts: is not a date and time that exists: {error}")


def _usage(item: UsageInput, node: str, now: datetime) -> Usage | Refusal:
    ts = now if item.ts is None else parse_instant(item.ts)
    if isinstance(ts, Refusal):
        return ts
    if ts - now > AHEAD_MAX:
        return Refusal(
            f"ts: lies more than {AHEAD_MAX // timedelta(minutes=1)} minutes ahead of this"
            f" machine's clock ({format_ts(now)}), which may be behind",
            retry=ts - now <= _CLOCK_BEHIND_MAX,
        )
    return Usage(
        v=VERSION,
        node=node,
        seq=UNNUMBERED,
        ts=ts,
        user=item.user,
        resource=item.resource,
        applies_to=(
            APPLIES_TO_DEFAULT if item.applies_to is UNSET else item.applies_to  # type: ignore[arg-type] # the decoder checks what it is
        ),
        units=item.units,
        instance=item.instance,
        id=item.id,
        meta=item.meta or None,
    )


def _draft_together(
    lines: Sequence[Line | Refusal], node: str, folder: Folder, defaulted: Sequence[bool]
) -> list[Draft | Refusal] | None:
    """The drafts if every line is valid, at a tenth of the cost; None if any is not."""
    whole = [line for line in lines if not isinstance(line, Refusal)]
    if len(whole) != len(lines):
        return None
    try:
        data = encode_lines(whole)
    except (msgspec.MsgspecError, ValueError, TypeError):
        return None
    if decode_segment(data, folder).rejects:
        return None
    encoded = data.splitlines(keepends=True)
    if max(map(len, encoded), default=0) > LINE_BYTES_MAX:
        return None
    skip = _head_bytes(node)
    return [
        _draft(line, text[skip:], no_ts)
        for line, text, no_ts in zip(whole, encoded, defaulted, strict=True)
    ]


def _draft_alone(line: Line, node: str, folder: Folder, no_ts: bool) -> Draft | Refusal:  # noqa: FBT001 - one value per line
    try:
        text = encode_lines([line])
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        return Refusal(str(error))
    if len(text) > LINE_BYTES_MAX:
        return Refusal(f"{len(text)} bytes; a line has at most {LINE_BYTES_MAX}")
    decoded = decode_line(text, folder)
    if isinstance(decoded, Fault):
        return Refusal(decoded.reason)
    return _draft(line, text[_head_bytes(node) :], no_ts)


def _draft(line: Line, rest: bytes, no_ts: bool) -> Draft:  # noqa: FBT001 - one value per line
    if not isinstance(line, Usage):
        names_seq = None if isinstance(line, Account) else line.refers_to
        return Draft(line.ts, rest, None, b"", names_seq, v=line.v)
    if line.id is None:
        return Draft(line.ts, rest, None, b"", line.corrects)
    return Draft(line.ts, rest, line.id, _fingerprint(rest, no_ts), line.corrects)


def _fingerprint(rest: bytes, no_ts: bool) -> bytes:  # noqa: FBT001 - one value per line
    """The hash of `,"ts":"...","user":...`; without the `ts` where the caller did not state it."""
    content = rest.split(b",", 2)[2] if no_ts else rest
    return hashlib.blake2b(content, digest_size=_FINGERPRINT_BYTES).digest()


def line_head(node: str, version: int = VERSION) -> bytes:
    """The bytes of a line before its `seq`."""
    return b'{"v":%d,"node":"%b","seq":' % (version, node.encode())


def _head_bytes(node: str) -> int:
    """How many bytes of an unnumbered line come before the rest of its draft."""
    return len(line_head(node)) + len(str(UNNUMBERED))
