"""What came in and went out of an account: payments, refunds, disputes, grants and fees."""

import hmac
import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

from aggregator.reports.basis import stands_on
from aggregator.reports.payments import left_of, taken_from
from aggregator.reports.periods.period import END_HOUR, FIRST_HOUR
from aggregator.reports.statements.money import pool_changes
from aggregator.store.questions.payments import MoneyLine
from gitmeter.counting.effects import SILENT
from gitmeter.counting.held import HeldReason
from gitmeter.money.reasons import WAITING
from gitmeter.money.rivals import MoneyState
from gitmeter.money.topups.attempts import is_automatic
from portal.api.customers.account import terms
from portal.api.customers.freshness import fresh
from portal.api.customers.paging import (
    cursor_of,
    no_such_page,
    page_of,
    row_before,
    rows_after,
)
from portal.api.models.payments import AccountPayment, AccountPayments, PaymentState
from portal.api.models.spans import PageWanted
from portal.api.request import Asked
from wire_format.instants import format_ts, hour_start, to_us
from wire_format.lines import Account, Money, encode_decoded
from wire_format.money import format_usd, parse_nano

_ANSWER: Final = "payments"
_ID_DIGITS: Final = 16
_ID: Final = re.compile(rf"([0-9]{{1,17}})-[0-9a-f]{{{_ID_DIGITS}}}", re.ASCII)
_EVER_US: Final = 2**62

_COUNTS: Final = "counted"
_TOLD_ONCE: Final = frozenset(
    {MoneyState.REPEATS, MoneyState.SAME_MOVEMENT, MoneyState.CONTRADICTS, HeldReason.CONFLICT}
)
"""Another line says the same movement, and it is listed once."""
_WORDS: Final[Mapping[PaymentState, str]] = {
    "counts": "it is in the balance",
    "waits": "it is in the balance as soon as it is confirmed",
    "in_question": "it is in the balance once somebody has looked at it",
    "failed": "it did not succeed",
    "does_not_count": "it is not in the balance",
}


class _Told(NamedTuple):
    """What is known of the lines of an account.

    Attributes:
        changes_nano: what lines changed in the pool of money.
        taken: what is left of payments from which something was taken.
        grants_nano: what is left of grants with terms, by name.
    """

    changes_nano: Mapping[Money, int]
    taken: Mapping[Money, int]
    grants_nano: Mapping[str, int]


def payments(asked: Asked) -> AccountPayments:
    """List what came in and went out, the newest first, and whether it counts.

    A refund or dispute takes from its payment, and `left_usd` of that says what remains. What is
    listed as waiting, in question or failed is not in the balance. `next` is the cursor of the next
    page.
    """
    wanted: PageWanted = asked.query
    found = terms(asked)
    page, has_more = _page(asked, found.account.id, wanted)
    user = asked.holder.user
    changes = pool_changes(asked.store, user, 0, _EVER_US)
    told = _Told(
        {change.record: change.nano for change in changes},
        taken_from(asked.store, {user}),
        {each.grant.name: each.left_nano for each in found.grants},
    )
    listed = [_payment(asked, line, told) for line in page]
    return AccountPayments(
        payments=listed,
        next=cursor_of(asked, _ANSWER, listed[-1].id) if has_more else None,
        **fresh(asked, stands_on(asked.store, found.account.id)),
    )


def _page(asked: Asked, account_id: int, wanted: PageWanted) -> tuple[list[MoneyLine], bool]:
    """The lines of a page, and whether there are more."""
    first = FIRST_HOUR if wanted.from_ is None else wanted.from_
    end = END_HOUR if wanted.until is None else wanted.until
    until_us = to_us(hour_start(end))
    after = None if wanted.cursor is None else row_before(asked, _ANSWER, wanted.cursor)
    if after is not None:
        stated = _ID.fullmatch(after)
        if stated is None:
            raise no_such_page()
        until_us = min(until_us, int(stated[1]) + 1)
    lines = asked.store.payments.newest_first(account_id, to_us(hour_start(first)), until_us)
    return page_of(rows_after(filter(_is_told, lines), partial(_id, asked), after), wanted.limit)


def _is_told(line: MoneyLine) -> bool:
    record = line.record
    if isinstance(record, Account):
        return record.fee_usd is not None and line.state not in _TOLD_ONCE
    return record.kind not in SILENT and line.state not in _TOLD_ONCE


def _id(asked: Asked, line: MoneyLine) -> str:
    """The name of a movement: when it was, and a seal over the line, which tells nothing of it."""
    stated = encode_decoded([line.record])
    seal = hmac.digest(asked.portal.desk.seal, b"payment\n" + stated, "sha256")
    return f"{to_us(line.record.ts)}-{seal.hex()[:_ID_DIGITS]}"


def _payment(asked: Asked, line: MoneyLine, told: _Told) -> AccountPayment:
    record, state = line.record, _state(line.state)
    stated = dict(_stated(line, told))
    if state != "counts":
        stated |= {"change_usd": None, "left_usd": None}
    return AccountPayment(
        id=_id(asked, line),
        at=format_ts(record.ts),
        **stated,
        automatic=record.kind == "payment" and is_automatic(record.attempt),
        state=state,
        why=_WORDS[state],
    )


def _stated(line: MoneyLine, told: _Told) -> Iterator[tuple[str, Any]]:
    """The fields of a movement that counts."""
    record = line.record
    yield "until", None if record.until is None else format_ts(record.until)
    yield "reason", record.reason
    if isinstance(record, Account):
        fee_nano = parse_nano(record.fee_usd or "0")
        yield from {
            "kind": "plan_fee",
            "amount": format_usd(fee_nano),
            "currency": "USD",
            "change_usd": format_usd(-fee_nano),
            "left_usd": None,
            "scope": None,
            "reference": None,
            "plan": record.plan,
        }.items()
        return
    left_nano = left_of(line, told.taken)
    if record.kind == "grant":
        left_nano = told.grants_nano.get(f"{record.provider}:{record.external_ref}")
    changed_nano = told.changes_nano.get(record)
    yield from {
        "kind": record.kind,
        "amount": record.amount,
        "currency": record.currency,
        "change_usd": None if changed_nano is None else format_usd(changed_nano),
        "left_usd": None if left_nano is None else format_usd(left_nano),
        "scope": None if record.scope is None else list(record.scope),
        "reference": record.external_ref,
        "plan": None,
    }.items()


def _state(state: str) -> PaymentState:
    if state == _COUNTS:
        return "counts"
    if state in WAITING:
        return "waits"
    if state in {MoneyState.UNDECIDED, MoneyState.RIVALS}:
        return "in_question"
    return "failed" if state == MoneyState.NOT_SUCCEEDED else "does_not_count"
