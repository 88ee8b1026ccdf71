"""The accepted tips of a repo: what a ledger is made from. Pure."""

from typing import NamedTuple


class Tips(NamedTuple):
    """What was billed of one repo: everything that these commits reach.

    Attributes:
        cursor: the last commit that was applied.
        kept: tips of histories that the cursor does not build on.
    """

    cursor: str
    kept: frozenset[str] = frozenset()
