"""Errors of the books."""

from gitmeter.support.errors import GitmeterError
from wire_format.lines import Money


class MoneyError(GitmeterError):
    """A movement of money breaks a rule; nothing was recorded."""


class AlreadyRecordedError(MoneyError):
    """A movement is recorded already, with the same content; nothing was recorded again.

    Attributes:
        line: what is recorded.
    """

    def __init__(self, message: str, line: Money, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line


class AccountError(GitmeterError):
    """A line about an account breaks a rule; nothing was recorded."""


class NotYetError(AccountError):
    """What was told is not of these books' rules; it may be once the aggregator has read them."""

    retry = True
