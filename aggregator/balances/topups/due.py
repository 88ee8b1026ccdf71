"""Which accounts are due for an automatic payment, and what of the tills was read to say so."""

from bisect import bisect_right
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from aggregator.balances.topups.cases import KnownTopup, TopupCases, writers_in_force
from aggregator.balances.topups.settling import SETTLE_H
from aggregator.store.questions.topups import TopupLine
from aggregator.store.store import PULLED_AT, LedgerStore
from wire_format.instants import DAY_US, parse_ts, to_us
from wire_format.lines import Account
from wire_format.money import format_usd
from wire_format.posts.topup_due import PAID_MAX, SEEN_MAX, AccountBelow
from wire_format.writers import Writers

FRESH: Final = timedelta(minutes=10)
"""How long ago all repos were read at most; a till does not believe what is older either."""

_AHEAD: Final = timedelta(minutes=5)
_PAID_US: Final = 35 * DAY_US


def is_current(store: LedgerStore, repos: Collection[str], now: datetime) -> bool:
    """Whether all that is known of money was read to its end a short while ago.

    While the forge is down nobody is told to charge a card: the payment that would have to be known
    may be in what was not read.

    Args:
        store: the ledger.
        repos: the names of the repos of the books, tills and desks that are to be read.
        now: the time.
    """
    pulled = store.fact(PULLED_AT)
    if pulled is None or not -_AHEAD <= now - parse_ts(pulled) <= FRESH:
        return False
    read = store.topups.repos_read()
    return bool(repos) and all(name in read and read[name].is_to_its_head for name in repos)


def seen_of_tills(store: LedgerStore, now: datetime) -> dict[str, int]:
    """By the node of each till the highest number that was read of it.

    Of more tills than a post may name those first that charge, since they look for their own.
    """
    writers, now_us = writers_in_force(store), to_us(now)
    found = store.topups.highest_seqs()

    def order(node: str) -> tuple[bool, str]:
        till = writers.till_at(node, now_us)
        return till is None or till.topups is None, node

    return {node: found[node] for node in sorted(found, key=order)[:SEEN_MAX]}


class DueForTopup(NamedTuple):
    """An account that is due, and what is known of it."""

    user: str
    known: KnownTopup

    def below(self, now: datetime) -> AccountBelow:
        """As a post tells it."""
        wanted, consent = self.known.case.wanted, self.known.terms.last_consent
        if wanted is None or consent is None:
            raise ValueError(f"{self.user} has settled nothing, so it cannot be due")
        provider, payment = _payment_of(consent)
        paid = _paid(self.known.lines, provider, to_us(now) - _PAID_US)
        balance_usd = format_usd(self.known.case.balance_nano)
        return AccountBelow(self.user, *wanted.texts, balance_usd, provider, payment, paid)


def due_accounts(
    store: LedgerStore, now: datetime, settle_h: int = SETTLE_H, after: str = ""
) -> Iterator[DueForTopup]:
    """The accounts whose card may be charged now as far as the ledger knows.

    Nobody is where the rule book has no till that charges at that provider, or has none any more.

    Args:
        store: the ledger, in a view.
        now: the time.
        settle_h: for how many hours what was taken of a balance is left out.
        after: the user after whom it begins; then in the order of users, and around to that one.
    """
    cases = TopupCases(store, now, settle_h)
    providers = _charged_at(writers_in_force(store), to_us(now))
    users = store.topups.near()
    first = bisect_right(users, after)
    for user in (*users[first:], *users[:first]):
        row = store.reports.account(user)
        known = None if row is None else cases.due(row)
        consent = None if known is None else known.terms.last_consent
        if known is not None and consent is not None and consent.of_provider in providers:
            yield DueForTopup(user, known)


def _charged_at(writers: Writers, now_us: int) -> frozenset[str]:
    """The accounts at providers where a till may charge saved cards."""
    tills = [writers.till_at(node, now_us) for node in {each.node for each in writers.tills}]
    chargers = (each.providers for each in tills if each is not None and each.topups is not None)
    return frozenset().union(*chargers)


def _payment_of(consent: Account) -> tuple[str, str]:
    """The payment at which somebody consented: its provider and name."""
    if consent.of_provider is None or consent.of_ref is None:
        raise ValueError(f"line {consent.seq} of {consent.node} names no payment")
    return consent.of_provider, consent.of_ref


def _paid(lines: Collection[TopupLine], provider: str, since_us: int) -> tuple[str, ...]:
    """The names of payments at a provider since an instant; of too many the newest."""
    records = (line.record for line in lines)
    named = {
        record.external_ref: to_us(record.ts)
        for record in records
        if record.kind == "payment" and record.provider == provider and record.external_ref
    }
    recent = [name for name, at_us in named.items() if at_us >= since_us]
    return tuple(sorted(recent, key=lambda name: (-named[name], name))[:PAID_MAX])
