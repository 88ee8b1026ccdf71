"""Automatic payments: what accounts settled, and what stands in the way of charging their card."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from aggregator.balances.topups.cases import KnownTopup, TopupCases
from aggregator.balances.topups.settling import SETTLE_H
from aggregator.reports.basis import Answer
from aggregator.store.store import PULLED_AT, LedgerStore
from gitmeter.money.accounts import AccountEntry
from gitmeter.money.topups.attempts import TopupAttempt
from gitmeter.money.topups.judging import failures, spent_nano
from gitmeter.money.topups.settled import AutoTopup
from gitmeter.money.topups.stated import TopupTerms
from wire_format.instants import format_ts, from_us, to_us
from wire_format.money import format_usd

COLUMNS: Final = (
    *("user", "state", "balance_usd", "amount_usd", "below_usd", "month_usd", "spent_month_usd"),
    *("consent_amount_usd", "consent_below_usd", "consent_month_usd", "consent_provider"),
    *("consent_payment", "consent_at", "failures", "attempt", "attempt_began_at"),
)
"""What a row of a table has."""


def topup_state(
    store: LedgerStore,
    user: str,
    now: datetime,
    settle_h: int = SETTLE_H,
    unread: Sequence[AccountEntry] = (),
) -> Answer:
    """What is known of the automatic payments of one account, whether or not it has any.

    Args:
        store: the ledger.
        user: the account; one that the ledger does not have has settled nothing.
        now: the time.
        settle_h: for how many hours what was taken of a balance is left out.
        unread: lines about the account that will count once the ledger has read them.
    """
    with store.view():
        row, cases = store.reports.account(user), TopupCases(store, now, settle_h)
        known = cases.of_unread(unread) if row is None else cases.of(row, unread)
        return {**_answer(user, known, now), "as_of": store.fact(PULLED_AT)}


def topup_states(store: LedgerStore, now: datetime, settle_h: int = SETTLE_H) -> Iterator[Answer]:
    """The same of every account that ever settled or consented to automatic payments, by user.

    Args:
        store: the ledger, in a view.
        now: the time.
        settle_h: for how many hours what was taken of a balance is left out.
    """
    cases = TopupCases(store, now, settle_h)
    for user in store.topups.listed():
        row = store.reports.account(user)
        if row is not None:
            yield _answer(user, cases.of(row), now)


def row_of(answer: Answer) -> dict[str, str]:
    """An answer as a row of a table: text by the names of `COLUMNS`."""
    wanted, consent = answer["wanted"] or {}, answer["consent"] or {}
    attempts: list[Answer] = answer["attempts"]
    opened = next((each for each in attempts if each["state"] == "open"), dict[str, object]())
    values = {
        **answer,
        **wanted,
        **{f"consent_{name}": value for name, value in consent.items()},
        "state": answer["stop"] or "due",
        "attempt": opened.get("attempt"),
        "attempt_began_at": opened.get("began_at"),
    }
    return {name: "" if (v := values.get(name)) is None else str(v) for name in COLUMNS}


def _answer(user: str, known: KnownTopup, now: datetime) -> Answer:
    terms, attempts, stop = known.terms, known.case.attempts, known.stop
    return {
        "user": user,
        "wanted": None if terms.wanted is None else _amounts(terms.wanted),
        "settled_at": format_ts(from_us(terms.settled_us)) if terms.settled_us else None,
        "consent": _consent(terms),
        "stop": None if stop is None else str(stop),
        "needs_customer": stop is not None and stop.needs_customer,
        "failures": failures(attempts, terms.settled_us),
        "balance_usd": format_usd(known.case.balance_nano),
        "spent_month_usd": format_usd(spent_nano(attempts, to_us(now))),
        "attempts": [_attempt(each) for each in reversed(attempts)],
    }


def _amounts(stated: AutoTopup) -> Answer:
    amount, below, month = stated.texts
    return {"amount_usd": amount, "below_usd": below, "month_usd": month}


def _consent(terms: TopupTerms) -> Answer | None:
    last = terms.last_consent
    if last is None:
        return None
    return {
        "amount_usd": last.amount_usd,
        "below_usd": last.below_usd,
        "month_usd": last.month_usd,
        "provider": last.of_provider,
        "payment": last.of_ref,
        "at": format_ts(last.ts),
        "allows": terms.consent is not None,
    }


def _attempt(attempt: TopupAttempt) -> Answer:
    return {
        "attempt": attempt.name,
        "provider": attempt.provider,
        "amount_usd": format_usd(attempt.credit_nano),
        "state": _state_of(attempt),
        "began_at": format_ts(from_us(attempt.began_us)),
        "ended_at": None if attempt.ended_us is None else format_ts(from_us(attempt.ended_us)),
        "reason": attempt.reason,
    }


def _state_of(attempt: TopupAttempt) -> str:
    """What became of an attempt, in a word or two."""
    if attempt.is_open:
        return "open"
    if attempt.is_paid:
        return "paid"
    return "failed" if attempt.has_failed else "not tried"
