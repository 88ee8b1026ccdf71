"""The grants of an account: what each is worth, what it paid, and what is left of it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from aggregator.balances.funds import Funds, funds_of
from aggregator.balances.terms import terms_of
from aggregator.rating.standing import (
    Breakage,
    GrantLeft,
    breakage_of,
    in_balance_nano,
    last_hour_before,
)
from aggregator.reports.accounts import account_row
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.terms.stated import StatedLines, place_answer
from aggregator.store.account_rows import AccountRow
from aggregator.store.questions import reports
from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import bonus_payment_of
from gitmeter.money.plans.timeline import PlanTimeline
from wire_format.instants import format_hour, format_ts, to_us
from wire_format.lines import Money
from wire_format.money import format_usd


class AccountTerms(NamedTuple):
    """What an account has at an instant.

    Attributes:
        account: the account.
        funds: the figures.
        grants: its grants, by name.
        timeline: its plans.
    """

    account: AccountRow
    funds: Funds
    grants: list[GrantLeft]
    timeline: PlanTimeline

    @property
    def breakage(self) -> Breakage:
        """What ended and void grants have left."""
        return breakage_of(self.grants)


def account_terms(
    store: LedgerStore, user: str, now: datetime, at: datetime | None = None
) -> AccountTerms:
    """What an account has.

    Args:
        store: the ledger, in a view.
        user: the account.
        now: the time.
        at: an instant to tell of in its place; lines and usage that are later are then left out.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    row = account_row(store, user)
    account, terms = reports.account_of(row), terms_of(store)
    timeline = terms.timeline(account)
    if at is not None:
        from aggregator.balances.earlier import funds_at

        found = funds_at(store, terms, account, at)
        return AccountTerms(account, found.funds, found.grants, timeline)
    grants = terms.grants(account, to_us(now), store.drawn.totals(account.id))
    return AccountTerms(account, funds_of(row, in_balance_nano(grants)), grants, timeline)


def grants(
    store: LedgerStore,
    user: str,
    now: datetime,
    at: datetime | None = None,
    *,
    by_charge: bool = False,
) -> Answer:
    """Return the grants of an account with their sums.

    Args:
        store: the ledger.
        user: the account.
        now: the time.
        at: as of `account_terms`.
        by_charge: also what each grant paid of which charge.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
    """
    told = now if at is None else at
    with store.view():
        found = account_terms(store, user, now, at)
        lines = StatedLines(store, user)
        answers = [
            _grant(each) | _stated(each, lines, found.timeline)
            for each in sorted(found.grants, key=lambda each: each.grant.drawing_order)
        ]
        if by_charge:
            paid = _by_charge(store, found.account, last_hour_before(to_us(told)) + 1)
            for answer in answers:
                answer["charges"] = paid.get(answer["grant"], [])
        return {
            "user": user,
            "at": format_ts(told),
            "granted_nano": found.funds.granted_nano,
            "drawn_nano": found.funds.drawn_nano,
            "uncovered_nano": found.funds.uncovered_nano,
            "breakage_nano": found.breakage._asdict(),
            **stands_on(store, found.account.id),
            "grants": answers,
        }


def flat(answer: Answer) -> Iterator[Answer]:
    """Yield a row for each grant; with what it paid by charge, a row for each of these."""
    for grant in answer["grants"]:
        charges: Iterable[Mapping[str, object]] = grant.get("charges") or [{}]
        for charge in charges:
            yield grant | {
                "hour": charge.get("hour"),
                "resource": charge.get("resource"),
                "applies_to": charge.get("applies_to"),
                "paid_nano": charge.get("nano"),
            }


def _grant(each: GrantLeft) -> Answer:
    grant = each.grant
    until, void = grant.until_hour, grant.void_hour
    return {
        "grant": grant.name,
        "provider": grant.provider,
        "reference": grant.reference,
        "state": str(each.state),
        "amount_nano": grant.amount_nano,
        "amount_usd": format_usd(grant.amount_nano),
        "left_nano": each.left_nano,
        "left_usd": format_usd(each.left_nano),
        "drawn_nano": grant.amount_nano - each.left_nano,
        "from": format_hour(grant.from_hour),
        "until": None if until is None else format_hour(until),
        "void_from": None if void is None else format_hour(void),
        "category": grant.category,
        "priority": grant.priority,
        "scope": None if grant.scope is None else list(grant.scope),
    }


def _stated(each: GrantLeft, lines: StatedLines, timeline: PlanTimeline) -> Answer:
    """Return why it was granted, on which payment it is a bonus, and the line that states it."""
    line = lines.of_grant(each.grant, timeline)
    record = None if line is None else line.record
    bonus_on = bonus_payment_of(record) if isinstance(record, Money) else None
    return {
        "reason": None if record is None else record.reason,
        "of_payment": None if bonus_on is None else ":".join(bonus_on[:2]),
        **place_answer(line),
    }


def _by_charge(store: LedgerStore, account: AccountRow, until: int) -> dict[str, list[Answer]]:
    """What each grant paid of the charges before an hour, by its name."""
    found: dict[str, list[Answer]] = {}
    for charge in store.charges.of_account(account, None, until) if account.drawn_nano else ():
        for grant, nano in store.reports.drawn(charge.row).items():
            paid = {
                "hour": format_hour(charge.row.hour),
                "resource": charge.resource,
                "applies_to": charge.row.applies_to,
                "nano": nano,
            }
            found.setdefault(grant, []).append(paid)
    return found
