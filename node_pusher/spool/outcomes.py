"""What becomes of a record that is given to the spool."""

from datetime import datetime
from typing import NamedTuple

from gitmeter.support.errors import GitmeterError


class Recorded(NamedTuple):
    """A record that is on disk.

    Attributes:
        node: the node that wrote it.
        seq: its permanent number.
        ts: an instant inside the time it covers.
        repeated: whether the same `id` and content had been recorded before; nothing was added.
    """

    node: str
    seq: int
    ts: datetime
    repeated: bool


class Refusal(NamedTuple):
    """A record that was not recorded.

    Attributes:
        reason: what is wrong with it, for a person.
        retry: whether the same record may be recorded later.
    """

    reason: str
    retry: bool = False


class SpoolState(NamedTuple):
    """The state of a spool, beside its records.

    Attributes:
        node: the node that it belongs to.
        next_seq: the number of the next record.
        last_push_us: when the remote was last seen to hold all that was committed, in microseconds
            since 1970; None before the first time.
    """

    node: str
    next_seq: int
    last_push_us: int | None


class InvalidRecordError(GitmeterError):
    """A record given to the Python API breaks a rule of the wire format or of ids.

    Attributes:
        retry: whether the same record may be recorded later: its time is still to come.
    """

    def __init__(self, message: str, *, hint: str = "", retry: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retry = retry


class SpoolError(GitmeterError):
    """The spool could not be read or written: damaged, or not this user's."""


class SpoolBusyError(SpoolError):
    """The spool cannot be written for now: the disk is full, or others wrote for too long."""

    retry = True
