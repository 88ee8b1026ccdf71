"""Opening an account for oneself, and the credit for that.

Nothing about a person is asked or kept. What keeps strangers from opening accounts without end are
limits: of a day, and of a network (`portal.api.checks`); and credit that is given only once
something was paid, unless the operator says otherwise.
"""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog

from aggregator.reports import payments
from aggregator.store.store import LedgerStore
from gitmeter.keys.secret import make_key
from portal.access.scopes import CUSTOMER
from portal.api.problems import ProblemError, not_found, too_many, too_old
from portal.api.request import Portal
from portal.api.staff.acts import new_user
from portal.api.staff.giving import Giving, give
from portal.config.tables import SignUpTable
from portal.reading.age import is_older, pulled_at
from portal.records.sign_ups import SIGN_UP
from wire_format.money import parse_nano

CREDIT_WAITS: Final = timedelta(days=90)
"""How long after signing up a first payment still brings the credit."""
_DAY: Final = timedelta(days=1)
_AGAIN_S: Final = 3_600
_REASON: Final = "sign-up"
_log = structlog.get_logger()


class NewAccount(NamedTuple):
    """An account that somebody opened.

    Attributes:
        user: its id, which says nothing about a person.
        secret: of its key, which is shown once; None where none was made.
    """

    user: str
    secret: str | None


def sign_up_terms(portal: Portal) -> SignUpTable:
    """What the operator says about signing up.

    Raises:
        ProblemError: nobody opens an account for themselves here.
    """
    if not portal.config.sign_up.on:
        raise not_found()
    return portal.config.sign_up


def sign_up(
    portal: Portal,
    store: LedgerStore,
    now: datetime,
    claim: Callable[[str], Callable[[], object]] | None = None,
) -> NewAccount:
    """Open an account.

    Args:
        portal: where.
        store: the ledger.
        now: the time.
        claim: given its id, gives it to a person whom an issuer vouches for, and returns what takes
            it back; None for an account with a key, which opens all of it.

    Raises:
        ProblemError: not here, or not now.
    """
    terms, desk = sign_up_terms(portal), portal.desk
    if is_older(pulled_at(store), now, portal.config.stale_max_s):
        raise too_old()
    user, made = new_user(), make_key() if claim is None else None
    lines = [desk.new_line("open", user, SIGN_UP, reason=_REASON)]
    if made is not None:
        stated = {"key_id": made.key_id, "sha256": made.sha256}
        scopes = tuple(sorted(CUSTOMER))
        lines.append(desk.new_line("key", user, SIGN_UP, scopes=scopes, **stated))
    with desk.exclusive():
        if desk.sign_ups.number_since(now - _DAY) >= terms.a_day:
            _log.warning("no more accounts are opened today", a_day=terms.a_day)
            raise too_many(_AGAIN_S)
        with ExitStack() as claimed:
            if claim is not None:
                claimed.callback(claim(user))
            desk.record(lines)
            claimed.pop_all()
    if terms.credit is not None and not terms.credit_after_nano:
        _give(portal, store, user, now)
    portal.wake()
    return NewAccount(user, None if made is None else made.secret)


def give_credit_due(portal: Portal, store: LedgerStore, now: datetime) -> int:
    """Give the credit for signing up to those who have paid since; returns to how many."""
    terms = portal.config.sign_up
    if (
        not terms.on
        or terms.credit is None
        or is_older(pulled_at(store), now, portal.config.stale_max_s)
    ):
        return 0
    given = 0
    for user in portal.desk.sign_ups.without_credit(now - CREDIT_WAITS):
        account = store.reports.account(user)
        if account is None:
            continue  # the ledger has not read that it was opened
        has_paid = int(account["lifetime_paid_nano"]) >= terms.credit_after_nano
        if has_paid and _kept_nano(store, user) >= terms.credit_after_nano:
            given += _give(portal, store, user, now)
    return given


def _kept_nano(store: LedgerStore, user: str) -> int:
    """What an account has paid that was not given back."""
    lefts = (row["left_usd"] for row in payments.lines(store, user, None, None))
    return sum(parse_nano(left) for left in lefts if left is not None)


def _give(portal: Portal, store: LedgerStore, user: str, now: datetime) -> bool:
    """Give the credit; an account that had it already waits for it no longer."""
    giving = Giving(user, portal.config.sign_up.credit or "", SIGN_UP, _REASON)
    try:
        give(portal, store, giving, now)
    except ProblemError as problem:
        if problem.name != "given-already":
            _log.warning("no credit for signing up", user=user, why=problem.detail)
            return False
        portal.desk.sign_ups.had_credit(user)
        return False
    return True
