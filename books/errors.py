"""Errors of the books."""

from gitmeter.support.errors import GitmeterError


class MoneyError(GitmeterError):
    """A movement of money breaks a rule; nothing was recorded."""
