"""Accounts that are said to be due and wait for their turn: each once, and not too many. Pure."""

from typing import Final

from till.charging.charger import Due
from wire_format.posts.topup_due import TopupDue

WAITING_MAX: Final = 2000
"""Further ones are told again with the next post."""


class WaitingList:
    """Accounts in the order in which they were first told; what was told last of one counts."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], Due] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, post: TopupDue) -> int:
        """Take what a post says; returns how many accounts there was no room for."""
        full = 0
        for account in post.accounts:
            key = account.provider, account.user
            earlier = self._waiting.get(key)
            if earlier is None and len(self._waiting) >= WAITING_MAX:
                full += 1
            elif earlier is None or earlier.posted_at <= post.at:
                self._waiting[key] = Due(account, post.at, post.seen)
        return full

    def next(self) -> Due | None:
        """The next one, which waits no more; None if none does."""
        key = next(iter(self._waiting), None)
        return None if key is None else self._waiting.pop(key)

    def clear(self) -> None:
        """Let none wait."""
        self._waiting.clear()
