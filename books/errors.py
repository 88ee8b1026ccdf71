"""Errors of the books."""

from gitmeter.support.errors import GitmeterError


class MoneyError(GitmeterError):
    """A movement of money breaks a rule; nothing was recorded."""


class AlreadyRecordedError(MoneyError):
    """A movement is recorded already, with the same content; nothing was recorded again."""
