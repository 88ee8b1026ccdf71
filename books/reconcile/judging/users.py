"""Which movements of an account are lines already, and whose. Pure."""

from collections.abc import Callable, Mapping

from books.reconcile.judging.memory import KnownMovement
from books.reconcile.report import ReportedLine


class Users:
    """The users of the movements that are lines.

    Args:
        reported: lines of the aggregator's answer, by movement.
        remembered: those that agreed in earlier runs.
        own: returns the user of each movement that is a line of the books; asked only where the
            others do not know it.
    """

    def __init__(
        self,
        reported: Mapping[str, ReportedLine],
        remembered: Mapping[str, KnownMovement],
        own: Callable[[], Mapping[str, str]],
    ) -> None:
        self._reported = reported
        self._remembered = remembered
        self._own = own

    def of(self, movement: str) -> str | None:
        """The user of a movement; empty where its line names none, None where no line is known.

        A line of the books says whose an undecided payment is.
        """
        line = self._reported.get(movement)
        if line is not None and line.user:
            return line.user
        known = self._remembered.get(movement)
        if known is not None:
            return known.user
        user = self._own().get(movement)
        return user if user is not None else None if line is None else ""
