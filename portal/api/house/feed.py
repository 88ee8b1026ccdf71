"""Every line about money and accounts, the newest first: what came in, and who did what."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final

from aggregator.reports.payments import answer_of, left_of, taken_from
from aggregator.reports.periods.period import InvalidPeriodError, Period, parse_period
from aggregator.store.questions.payments import MoneyLine
from gitmeter.counting.effects import OF_A_PAYMENT
from gitmeter.money.reasons import reason_of
from portal.api.customers.paging import (
    cursor_of,
    no_such_page,
    page_of,
    row_before,
    rows_after,
)
from portal.api.house.forms import FeedLine, FeedPage, FeedWanted, Which
from portal.api.problems import invalid
from portal.api.request import Asked
from wire_format.instants import hour_start, to_us
from wire_format.lines import Account, Money

COUNTED: Final = "counted"
_ANSWER: Final = "feed"
_NAME: Final = re.compile(r"([0-9]{1,17})_([0-9]{1,16})_([a-z0-9-]{1,64})", re.ASCII)
_CUSTOMER: Final = "customer:"
_DISPUTES: Final = frozenset({"dispute", "dispute_reversal"})
_WANTED: Final[Mapping[Which, Callable[[MoneyLine], bool]]] = {
    "all": lambda _: True,
    "payments": lambda line: line.record.kind in {"payment", *OF_A_PAYMENT},
    "unconfirmed": lambda line: isinstance(line.record, Money) and line.covered_us is None,
    "in_question": lambda line: line.state != COUNTED,
    "disputes": lambda line: line.record.kind in _DISPUTES,
    "acts": lambda line: _is_act(line.record),
}
_REFERENCES: Final = ("external_ref", "of_ref", "key_id")
_SAME: Final = tuple(FeedLine.model_fields.keys() - {"at", "reference", "why"})
"""Fields that are told as the aggregator's own command tells them."""


def feed(asked: Asked) -> FeedPage:
    """List lines about money and accounts, the newest first: each with who wrote it, and where.

    They are those of the books, tills and desks: of payments with rivals, of money that nobody
    confirmed and of disputes with the reason for which they do not count, and what staff did with
    their names. `next` is the cursor of the next page.
    """
    wanted: FeedWanted = asked.query
    period = period_of(asked, wanted.period)
    page, has_more = page_of(_lines(asked, period, wanted), wanted.limit)
    taken = taken_from(asked.store, {line.record.user for line in page if line.record.user})
    return FeedPage(
        lines=[_line(line, left_of(line, taken)) for line in page],
        next=cursor_of(asked, _ANSWER, _name(page[-1])) if has_more else None,
    )


def period_of(asked: Asked, text: str) -> Period:
    """The period that is asked about.

    Raises:
        ProblemError: it is none.
    """
    try:
        return parse_period(text, asked.now)
    except InvalidPeriodError as error:
        raise invalid(f"period: {error}") from None


def _lines(asked: Asked, period: Period, wanted: FeedWanted) -> Iterator[MoneyLine]:
    """The lines that are wanted, from the page before on."""
    since_us, until_us = (to_us(hour_start(hour)) for hour in (period.first_hour, period.end_hour))
    after = None if wanted.cursor is None else row_before(asked, _ANSWER, wanted.cursor)
    if after is not None:
        stated = _NAME.fullmatch(after)
        if stated is None:
            raise no_such_page()
        until_us = min(until_us, int(stated[1]) + 1)
    lines = asked.store.payments.all_newest_first(since_us, until_us)
    return filter(_WANTED[wanted.which], rows_after(lines, _name, after))


def _name(line: MoneyLine) -> str:
    return f"{to_us(line.record.ts)}_{line.record.seq}_{line.node}"


def _is_act(record: Money | Account) -> bool:
    """Whether somebody of the house did it: what customers do and what providers say is not."""
    return record.by is not None and not record.by.startswith(_CUSTOMER)


def _line(line: MoneyLine, left_nano: int | None) -> FeedLine:
    told = answer_of(line, left_nano)
    reference = next((told[name] for name in _REFERENCES if told[name]), None)
    return FeedLine(
        at=told["ts"],
        reference=reference,
        why=_why(line.state),
        **{name: told[name] for name in _SAME},
    )


def _why(state: str) -> str:
    with suppress(ValueError):
        return reason_of(state).meaning
    return "" if state == COUNTED else state.replace("_", " ")
