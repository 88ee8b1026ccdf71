"""The listener's protocol as bytes: request lines in, answer lines out; no I/O.

A request is one line of JSON, as `record -` takes it. Each gets one answer line, in order:

    {"seq":17,"ts":"2026-11-21T13:05:00Z"}    on disk; with the request's `id` where it had one, and
                                              "repeated":true where it had been recorded before
    {"error":"...","retry":false}             not recorded; `retry` says whether the same line may
                                              be recorded later
"""

from typing import Any, Final, NamedTuple

import orjson

from node_pusher.spool.outcomes import Recorded
from wire_format.fields import LINE_BYTES_MAX
from wire_format.instants import format_ts

BUFFER_BYTES_MAX: Final = 64 * 1024
"""Requests of one client that wait here; above it nothing more is read from the client."""

_REASON_CHARS_MAX: Final = 300
_TOO_LONG: Final = f"longer than {LINE_BYTES_MAX} bytes; this connection is closed"
_CUT_OFF: Final = "the last line has no newline, so it may not be whole"


class NotRecorded(NamedTuple):
    """A request that was not recorded.

    Attributes:
        reason: what is wrong, for a person.
        retry: whether the same request may be recorded later.
    """

    reason: str
    retry: bool = False


Request = bytes | NotRecorded
"""A whole line without its newline, or why it is not one."""


class Requests:
    """The requests of one client that are not answered yet.

    Attributes:
        is_over: nothing more is accepted: the client has ended, or sent a line that is too long.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._data = b""
        self._lines_whole = 0
        self._last: NotRecorded | None = None

    @property
    def is_empty(self) -> bool:
        """Whether no request is waiting."""
        return not self._lines_whole and self._last is None

    @property
    def is_full(self) -> bool:
        """Whether the client must wait before it sends more."""
        return not self.is_over and len(self._data) >= BUFFER_BYTES_MAX

    def feed(self, data: bytes) -> None:
        """Add what the client sent."""
        if self.is_over:
            return
        self._data += data
        self._lines_whole += data.count(b"\n")
        if len(self._data) - self._data.rfind(b"\n") - 1 > LINE_BYTES_MAX:
            self._end(NotRecorded(_TOO_LONG))

    def end(self) -> None:
        """Note that the client sends nothing more; an unfinished last line is not a request."""
        if not self.is_over:
            self._end(NotRecorded(_CUT_OFF, retry=True) if self._has_rest else None)

    def refuse(self, reason: NotRecorded) -> None:
        """Accept nothing from this client, and answer why."""
        self._end(reason)

    def take(self, count_max: int) -> list[Request]:
        """Remove and return the next requests; none follow one that is too long."""
        *lines, self._data = self._data.split(b"\n", min(count_max, self._lines_whole))
        self._lines_whole -= len(lines)
        taken: list[Request] = []
        for line in lines:
            if len(line) >= LINE_BYTES_MAX:  # its newline counts
                self._data, self._lines_whole = b"", 0
                self._end(NotRecorded(_TOO_LONG))
                break
            taken.append(line)
        if self._last is not None and not self._lines_whole and len(taken) < count_max:
            taken.append(self._last)
            self._last = None
        return taken

    @property
    def _has_rest(self) -> bool:
        return bool(self._data) and not self._data.endswith(b"\n")

    def _end(self, last: NotRecorded | None) -> None:
        self.is_over = True
        self._last = last


def answer_recorded(done: Recorded, caller_id: str | None) -> bytes:
    """The answer for a record that is on disk."""
    answer: dict[str, Any] = {"seq": done.seq, "ts": format_ts(done.ts)}
    if caller_id is not None:
        answer["id"] = caller_id
    if done.repeated:
        answer["repeated"] = True
    return _line(answer)


def answer_not_recorded(refused: NotRecorded, caller_id: str | None = None) -> bytes:
    """The answer for a request that was not recorded."""
    reason = refused.reason.encode(errors="replace").decode()  # a path may be no text
    if len(reason) > _REASON_CHARS_MAX:  # it may repeat what the client sent
        reason = reason[:_REASON_CHARS_MAX] + "..."
    answer: dict[str, Any] = {"error": reason, "retry": refused.retry}
    if caller_id is not None:
        answer["id"] = caller_id
    return _line(answer)


def _line(answer: dict[str, Any]) -> bytes:
    return orjson.dumps(answer) + b"\n"
