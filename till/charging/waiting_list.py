"""Accounts that are said to be due: those that wait for their turn, and those that rest. Pure."""

from typing import Final

import msgspec

from till.charging.charger import Due
from wire_format.posts.topup_due import AccountBelow, TopupDue

WAITING_MAX: Final = 2000
"""Further ones are told again with the next post."""

REST_S: Final = 600
"""After the provider had something against a charge: an account that stays due is told again every
few seconds, and each look costs several questions."""

RESTING_MAX: Final = 10_000


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


class Resting:
    """Accounts about which the provider is not asked again for a while; times in seconds.

    One that is told with anything changed but its balance is asked about at once: with another
    consent, or with a payment that the ledger lacked before.
    """

    def __init__(self) -> None:
        self._until_s: dict[AccountBelow, float] = {}

    def begin(self, due: Due, now_s: float) -> None:
        """Let an account rest from now on."""
        if len(self._until_s) >= RESTING_MAX:
            self._until_s = {key: at_s for key, at_s in self._until_s.items() if at_s > now_s}
        if len(self._until_s) < RESTING_MAX:
            self._until_s[_but_balance(due)] = now_s + REST_S

    def rests(self, due: Due, now_s: float) -> bool:
        """Whether an account rests."""
        return self._until_s.get(_but_balance(due), now_s) > now_s


def _but_balance(due: Due) -> AccountBelow:
    return msgspec.structs.replace(due.account, balance_usd="0")
