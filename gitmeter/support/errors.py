"""Errors of a broken world: what happened, what to do next, and whether trying again can help.

Bad *data* is never one of these: it is a value with its commit, path, line and reason.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of all programs; a written contract."""

    OK = 0
    FAILED = 1
    """Something expected went wrong; the message says what to do."""
    USAGE = 2
    """The command line is wrong (click's own code)."""
    BUG = 3
    """An unexpected error; a report is printed."""
    TRY_LATER = 75
    """Nothing is lost and the same command may work later (EX_TEMPFAIL of sysexits.h)."""
    INTERRUPTED = 130


class GitmeterError(Exception):
    """A broken world.

    Attributes:
        hint: what the person can do next; may be empty.
        retry: whether the same call may work later without any change.
    """

    retry = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a program that ends with this error."""
        return ExitCode.TRY_LATER if self.retry else ExitCode.FAILED


def with_hint(error: Exception) -> str:
    """The message of an error and its hint, if it has one: for a log, or the detail of an incident.

    Args:
        error: a `GitmeterError`, or another one, which has no hint.
    """
    hint = error.hint if isinstance(error, GitmeterError) else ""
    return f"{error} (hint: {hint})" if hint else str(error)
