"""Sums of the first values of a list, whose values come in any order. Pure."""


class PrefixSums:
    """Sums of the first values of a list whose values are set in any order (a Fenwick tree).

    Args:
        size: how many values there are; each is 0 at first.
    """

    def __init__(self, size: int) -> None:
        self._tree: list[int] = [0] * (size + 1)

    def add(self, at: int, value: int) -> None:
        """Add to the value at a position, from 0."""
        at += 1
        while at < len(self._tree):
            self._tree[at] += value
            at += at & -at

    def up_to(self, at: int) -> int:
        """The sum of the values up to a position, inclusive."""
        at += 1
        total = 0
        while at:
            total += self._tree[at]
            at -= at & -at
        return total
