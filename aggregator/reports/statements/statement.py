"""A statement: one account in a period, from its opening to its closing balance.

    closing = opening + money - fees - billed cost + grants begun - grants ended

Both balances are those that `aggregator balance --at` tells, so the closing one of a month is the
opening one of the next.
"""

from datetime import datetime

from aggregator.balances.earlier import EarlierFunds, funds_at
from aggregator.balances.terms import terms_of
from aggregator.reports.accounts import account_row
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.periods.period import Period
from aggregator.reports.statements.grants import GrantChange, grant_changes
from aggregator.reports.statements.money import pool_changes
from aggregator.reports.statements.usage import USAGE_SUMS, usage
from aggregator.reports.terms.stated import place_answer
from aggregator.store.account_rows import AccountRow
from aggregator.store.questions import reports
from aggregator.store.questions.payments import MoneyLine
from aggregator.store.store import LedgerStore
from gitmeter.money.plans.periods import terms_of as plan_terms_of
from wire_format.instants import format_hour, format_ts, hour_of, hour_start, to_us
from wire_format.lines import Account, Money
from wire_format.money import format_usd


def statement(
    store: LedgerStore, user: str, period: Period, now: datetime, made_from: Answer | None = None
) -> Answer:
    """Return the statement of an account, inside the caller's view.

    Args:
        store: the ledger.
        user: the account.
        period: the time; what is after the hour of `now` is left out.
        now: the time.
        made_from: the commits and the digest that the answer is made from, for those who keep it.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    row = account_row(store, user)
    account, is_over = reports.account_of(row), period.end_hour <= hour_of(now) + 1
    told = period.until(hour_of(now) + 1)
    opening, closing = (
        funds_at(store, terms_of(store), account, hour_start(hour))
        for hour in (told.first_hour, told.end_hour)
    )
    money, fees = _lines(store, account, told)
    used = usage(store, account.id, told)
    grants = [_grant(each) for each in grant_changes(opening.grants, closing.grants)]
    sums = {
        "money_nano": sum(each["nano"] for each in money),
        "fees_nano": sum(each["nano"] for each in fees),
        **{name: sum(each[name] for each in used) for name in USAGE_SUMS[3:]},
        "grants_begun_nano": sum(each["begun_nano"] for each in grants),
        "grants_ended_nano": sum(each["ended_nano"] for each in grants),
    }
    return {
        "user": user,
        **told.answer(),
        "is_over": is_over,
        **_balance("opening", opening),
        "money": money,
        "fees": fees,
        "usage": used,
        "grants": grants,
        "sums": sums,
        **_balance("closing", closing),
        "unrated_charges": closing.used.unrated - opening.used.unrated,
        "made_from": made_from,
        **stands_on(store, account.id),
    }


def _balance(name: str, found: EarlierFunds) -> Answer:
    nano = found.funds.balance_nano
    return {f"{name}_balance_nano": nano, f"{name}_balance_usd": format_usd(nano)}


def _lines(
    store: LedgerStore, account: AccountRow, period: Period
) -> tuple[list[Answer], list[Answer]]:
    """What lines of money and plan lines of the account changed, each with its place."""
    from_us, until_us = (to_us(hour_start(hour)) for hour in period[1:])
    places: dict[Money | Account, MoneyLine] = {
        line.record: line
        for line in store.payments.lines(account.user, from_us, until_us)
        if line.state == "counted"
    }
    money = [
        {
            "ts": format_ts(change.record.ts),
            "kind": change.record.kind,
            "provider": change.record.provider,
            "external_ref": change.record.external_ref,
            "amount": change.record.amount,
            "currency": change.record.currency,
            "reason": change.record.reason,
            "nano": change.nano,
            **place_answer(places.get(change.record)),
            "node": change.record.node,
            "seq": change.record.seq,
        }
        for change in pool_changes(store, account.user, from_us, until_us)
    ]
    fees = [
        {
            "ts": format_ts(line.ts),
            "plan": terms.plan,
            "instead_of": terms.instead_of,
            "from": format_hour(terms.from_hour),
            "until": None if terms.until_hour is None else format_hour(terms.until_hour),
            "nano": terms.fee_nano,
            **place_answer(places.get(line)),
        }
        for line in sorted(account.plans, key=lambda line: (line.ts, line.node, line.seq))
        if from_us <= to_us(line.ts) < until_us
        for terms in [plan_terms_of(line)]
    ]
    return money, fees


def _grant(change: GrantChange) -> Answer:
    grant = change.grant
    return {
        "grant": grant.name,
        "category": grant.category,
        "until": None if grant.until_hour is None else format_hour(grant.until_hour),
        **{name: getattr(change, name) for name in GrantChange._fields[1:]},
    }
