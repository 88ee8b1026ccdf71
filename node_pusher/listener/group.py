"""Requests of all clients into the spool, a group in one transaction.

While the spool cannot be written no record is lost: requests are answered with `retry`, whatever
has to be repaired first, and the spool is opened again for the next group.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

from gitmeter.support.errors import GitmeterError, with_hint
from node_pusher.home.layout import spool_file
from node_pusher.listener.protocol import NotRecorded, Request, answer_not_recorded, answer_recorded
from node_pusher.spool.api import Clock, Spool, utc_now
from node_pusher.spool.inputs import UsageInput, decode_input
from node_pusher.spool.outcomes import Recorded, Refusal, SpoolBusyError, SpoolError

_REPLACED: Final = "the spool was replaced by another file; nothing was recorded in the new one"


class GroupRecorder:
    """Records groups of requests. For one thread at a time.

    Args:
        home: the folder of the home.
        log: called with a sentence when the spool begins to fail, fails differently, or works
            again.
        clock: the time of records that state none.

    Raises:
        NotInitialisedError, HomeError, SpoolError: the spool cannot be opened.
    """

    def __init__(self, home: Path, log: Callable[[str], None], clock: Clock = utc_now) -> None:
        self._home = home
        self._log = log
        self._clock = clock
        self._trouble: str | None = None
        self._spool: Spool | None = None
        self._opened: tuple[int, int] | None = None
        self._open()

    def record(self, requests: Sequence[Request], owners: Sequence[int] = ()) -> list[bytes]:
        """Record every good request, and return the answer of each.

        When this returns, every record that is answered as such is on disk.

        Args:
            requests: what was sent.
            owners: for each the local user who sent it; empty if all are this process's user's.
        """
        inputs = [_decoded(request) for request in requests]
        try:
            outcomes = self._append(inputs, owners or [os.geteuid()] * len(inputs))
        except (GitmeterError, OSError) as error:
            failure = NotRecorded(str(error), retry=True)
            self._note(error)
            return [_answer(item, failure) for item in inputs]
        if self._trouble is not None:
            self._trouble = None
            self._log("the spool can be written again")
        return [_answer(item, done) for item, done in zip(inputs, outcomes, strict=True)]

    def _append(
        self, inputs: Sequence[UsageInput | NotRecorded], owners: Sequence[int]
    ) -> list[Recorded | NotRecorded]:
        good = [item for item in inputs if isinstance(item, UsageInput)]
        whose = [
            owner
            for item, owner in zip(inputs, owners, strict=True)
            if isinstance(item, UsageInput)
        ]
        written = iter(self._append_good(good, whose) if good else ())
        return [item if isinstance(item, NotRecorded) else next(written) for item in inputs]

    def _append_good(
        self, inputs: Sequence[UsageInput], owners: Sequence[int]
    ) -> list[Recorded | NotRecorded]:
        spool = self._spool or self._open()
        outcomes = spool.append_inputs(inputs, owners)
        if self._file() != self._opened:
            # a file without a name accepts records and loses them when it is closed
            raise SpoolError(_REPLACED)
        return [NotRecorded(*done) if isinstance(done, Refusal) else done for done in outcomes]

    def _note(self, error: GitmeterError | OSError) -> None:
        if not isinstance(error, SpoolBusyError):
            self.close()
        if str(error) != self._trouble:
            self._trouble = str(error)
            self._log(with_hint(error))

    def _open(self) -> Spool:
        self._opened = self._file()  # before opening: a file replaced meanwhile is then noticed
        self._spool = Spool.open(self._home, clock=self._clock)
        return self._spool

    def _file(self) -> tuple[int, int] | None:
        try:
            found = spool_file(self._home).stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Close the spool."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _decoded(request: Request) -> UsageInput | NotRecorded:
    if isinstance(request, NotRecorded):
        return request
    found = decode_input(request)
    return NotRecorded(found.reason) if isinstance(found, Refusal) else found


def _answer(item: UsageInput | NotRecorded, outcome: Recorded | NotRecorded) -> bytes:
    if isinstance(item, NotRecorded):
        return answer_not_recorded(item)
    if isinstance(outcome, NotRecorded):
        return answer_not_recorded(outcome, item.id)
    return answer_recorded(outcome, item.id)
