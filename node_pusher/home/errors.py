"""What can be wrong with a home."""

from gitmeter.support.errors import GitmeterError


class NotInitialisedError(GitmeterError):
    """There is no node in this folder."""


class HomeError(GitmeterError):
    """A home cannot be used as it is: its settings are wrong, or it is another node's."""


class FutureParentError(GitmeterError):
    """The newest commit is dated ahead of the clock, and none may be dated before its parent."""


class BusyError(GitmeterError):
    """Another process is committing or pushing from this home."""

    retry = True


class NonFastForwardError(GitmeterError):
    """The remote holds commits that this home does not have; they are never overwritten."""
