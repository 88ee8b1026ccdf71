"""What an account had before a commit, for a plan that a desk sells. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from gitmeter.money.pool import credit_by
from gitmeter.money.rivals import Judged, MoneyState
from wire_format.instants import to_us


class CommittedLine(NamedTuple):
    """A money line, judged.

    Attributes:
        line: the line.
        committed_us: the time of the commit by which it is judged, microseconds since 1970.
    """

    line: Judged
    committed_us: int


class MoneyKnown:
    """Payments, version 1 grants and adjustments of one account, less what was taken back.

    Args:
        user: the account.
        lines: its lines that count, and all that take from its payments or give back to them.
    """

    def __init__(self, user: str, lines: Iterable[CommittedLine]) -> None:
        self._user = user
        self._lines = [each for each in lines if each.line.state is MoneyState.COUNTED]

    def before(self, committed_us: int) -> int:
        """The sum by lines whose `ts` and commit are before a time, in nano-dollars.

        So what is told later, whatever its `ts`, does not undo what a desk sold.

        Args:
            committed_us: the time, microseconds since 1970.
        """
        known = [
            each.line
            for each in self._lines
            if max(each.committed_us, to_us(each.line.record.ts)) < committed_us
        ]
        return credit_by(known, self._user).credit_nano
