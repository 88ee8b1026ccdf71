"""Reading an answer of the aggregator that comes through a pipe, and how old it may be."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_ts

AGE_MAX: Final = timedelta(hours=1)
AHEAD_MAX: Final = timedelta(minutes=5)

Instant = Annotated[datetime, Meta(tz=True)]
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class AnswerForm(Generic[_Answer]):
    """What an answer must be.

    Attributes:
        decoder: of its JSON.
        bytes_max: how long it may be.
        command: that gives it.
        options: with which the command gives it in this form.
        error: of an answer that cannot be used.
    """

    decoder: msgspec.json.Decoder[_Answer]
    bytes_max: int
    command: str
    options: str
    error: type[GitmeterError]

    def read(self, text: bytes) -> _Answer:
        """Read an answer of at most one byte more than it may have.

        Raises:
            GitmeterError: it is too large, or another one; of the kind `error`.
        """
        hint = f"`{self.command} {self.options}` writes it"
        if len(text) > self.bytes_max:
            raise self.error(f"standard input has more than {self.bytes_max >> 20} MiB", hint=hint)
        if not text.strip():
            raise self.error("standard input is empty", hint=hint)
        try:
            return self.decoder.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self.error(
                f"standard input is not the answer of `{self.command}`: {error}", hint=hint
            ) from error

    def check_age(self, as_of: datetime, now: datetime, if_old: str) -> None:
        """Refuse an answer that is no longer about what the aggregator has.

        Args:
            as_of: when it was asked.
            now: the time.
            if_old: what to do about one that is too old.

        Raises:
            GitmeterError: it is more than an hour old, or from the future; of the kind `error`.
        """
        age = now - as_of
        if -AHEAD_MAX <= age <= AGE_MAX:
            return
        raise self.error(
            f"the answer is of {format_ts(as_of.astimezone(UTC))}, and it is {format_ts(now)} now",
            hint=if_old if age > AGE_MAX else "one of the two clocks is wrong",
        )
