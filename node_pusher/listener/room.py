"""Room for one more client: which connection gives way when there are as many as may be. Pure.

A service may keep its connection open and rarely use it, so none is closed for being idle alone.
When one more client comes, the user with the most connections gives one up: first one that waits
for nothing, the longest unused first. So nobody can keep others out, neither by connecting and
saying nothing nor by sending half a line or reading no answers.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Seat(NamedTuple):
    """A connection, as far as its right to stay goes.

    Attributes:
        owner: the local user at its other end.
        last_used: of two, the one with the lower number was answered, or made, earlier.
        is_idle: nothing of it is left to be recorded, or it does not read its answers.
    """

    owner: int
    last_used: int
    is_idle: bool


def gives_way(seats: Sequence[Seat], owner: int) -> int | None:
    """The index of the connection to close so that one more of `owner` fits.

    Returns:
        None if it is the new one that has to come again: its own user has the most connections, and
        all of them are at work.
    """
    counts = Counter(seat.owner for seat in seats)
    counts[owner] += 1
    most = max(counts[seat.owner] for seat in seats)
    may = [
        (not seat.is_idle, seat.last_used, i)
        for i, seat in enumerate(seats)
        if counts[seat.owner] == most and (seat.is_idle or seat.owner != owner)
    ]
    return min(may)[2] if may else None
