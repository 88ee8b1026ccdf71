"""What the lines about an account say of automatic payments, as they are at an instant. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from gitmeter.money.accounts import AccountEntry, account_at, settings_of
from gitmeter.money.topups.settled import SETTINGS_OF_TOPUPS, AutoTopup, consented, settled
from wire_format.instants import to_us
from wire_format.lines import Account
from wire_format.writers import Writers

KINDS: Final = frozenset({"setting", "consent", "suspend", "reopen"})
"""The lines about an account that have a part in it."""


class TopupTerms(NamedTuple):
    """What is settled and consented to; times in microseconds since 1970.

    Attributes:
        wanted: what is settled; None where automatic payments are off.
        settled_us: when the last setting about them was stated; 0 if there is none.
        last_consent: the last line that consents; None without one.
        consent: what that allows; None where it allows nothing.
        consented_us: when it was given; 0 if there is none.
        is_suspended: whether services refuse the account.
    """

    wanted: AutoTopup | None
    settled_us: int
    last_consent: Account | None
    consent: AutoTopup | None
    consented_us: int
    is_suspended: bool


def terms_at(entries: Iterable[AccountEntry], writers: Writers, now_us: int) -> TopupTerms:
    """What an account has settled and consented to.

    Args:
        entries: the lines about it that count, in any order; of the kinds that have no part here
            none is needed.
        writers: what tills may state, by the rule book in force.
        now_us: the time, microseconds since 1970.
    """
    stated = list(entries)
    account = account_at(stated, now_us + 1)
    last = account.consent
    till = None if last is None else writers.till_at(last.node, now_us)
    return TopupTerms(
        wanted=settled(account.settings),
        settled_us=max((_settled_us(e.record, now_us) for e in stated), default=0),
        last_consent=last,
        consent=consented(last, None if till is None else till.consents),
        consented_us=0 if last is None else to_us(last.ts),
        is_suspended=account.is_suspended,
    )


def states_topups(record: Account) -> bool:
    """Whether a line settles something of automatic payments."""
    return record.kind == "setting" and any(
        name in SETTINGS_OF_TOPUPS for name, _ in settings_of(record)
    )


def _settled_us(record: Account, now_us: int) -> int:
    at_us = to_us(record.ts)
    return at_us if states_topups(record) and at_us <= now_us else 0
