"""Which lines of a repo claim their key at all. Pure.

A line that names another node, is dated too far ahead of its commit, or bills what this repo may
not bill is held and claims nothing, so it cannot displace an honest line.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from gitmeter.counting.held import HeldReason
from wire_format.lines import Line, Usage

_RESOURCES_CACHED: Final = 65_536


class LineRules:
    """The rules by which lines of one repo claim their key.

    Args:
        node: the node that the repo belongs to.
        skew: how far `ts` may be ahead of the commit's time.
        allow: patterns (`llm/*`) of the resources that the repo may bill; None for all.
    """

    def __init__(self, node: str, skew: timedelta, allow: Sequence[str] | None = None) -> None:
        self.node = node
        self._skew = skew
        self._allow = allow
        self._allows = lru_cache(_RESOURCES_CACHED)(self._matches)

    def held_reason(self, record: Line, committed_at: datetime) -> HeldReason | None:
        """Why a line claims no key, or None when it does.

        Args:
            record: a well-formed line.
            committed_at: the time of the commit that added it.
        """
        if record.node != self.node:
            return HeldReason.WRONG_NODE
        if record.ts > committed_at + self._skew:
            return HeldReason.AHEAD_OF_COMMIT
        if isinstance(record, Usage) and not self._allows(record.resource):
            return HeldReason.NOT_ALLOWED
        return None

    def hold_none(
        self,
        node: str,
        latest: datetime,
        resources: Iterable[str],
        committed_at: datetime,
    ) -> bool:
        """Whether `held_reason` is None for every line of usage in a segment.

        Args:
            node: the node that all of them name.
            latest: the latest `ts` of them.
            resources: the resources that they bill.
            committed_at: the time of the commit that added them.
        """
        return (
            node == self.node
            and latest <= committed_at + self._skew
            and (self._allow is None or all(map(self._allows, resources)))
        )

    def _matches(self, resource: str) -> bool:
        return self._allow is None or any(fnmatchcase(resource, p) for p in self._allow)
