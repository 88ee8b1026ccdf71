"""The accepted tips of a repo, from which a ledger is made. Pure."""

from typing import NamedTuple


class Tips(NamedTuple):
    """What was billed of one repo: everything that these commits reach.

    Attributes:
        cursor: the last commit that was billed.
        kept: the kept tips, on which the cursor does not build.
    """

    cursor: str
    kept: frozenset[str] = frozenset()
