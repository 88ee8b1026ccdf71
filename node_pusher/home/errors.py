"""What becomes of a record that is handed to the spool, and what can be wrong with a home."""

from gitmeter.support.errors import GitmeterError


class NotInitialisedError(GitmeterError):
    """There is no node in this folder."""


class HomeError(GitmeterError):
    """A home cannot be used as it is: its settings are wrong or belong to another node."""


class BusyError(GitmeterError):
    """Another process is committing or pushing from this home."""

    retry = True


class NonFastForwardError(GitmeterError):
    """The remote holds commits that this home has not; nothing is pushed over them."""
