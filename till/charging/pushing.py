"""What charging needs of whoever pushes."""

from typing import Protocol


class Pushes(Protocol):
    """Pushes lines, as `front.pusher.Pusher` does."""

    def push(self, wait_s: int) -> None:
        """Push what is there now, and wait until the remote has it.

        Raises:
            NotPushedError: it has not in this time.
        """

    def wake(self) -> None:
        """Push soon."""
