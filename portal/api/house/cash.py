"""What came in during a period: payments, what was given back of them, and what was given."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from aggregator.reports.payments import answer_of, left_of, taken_from
from aggregator.reports.periods.period import Period
from gitmeter.counting.effects import SILENT
from portal.api.house.feed import COUNTED, period_of
from portal.api.house.forms import Cash, CashKind, CashWanted
from portal.api.request import Asked
from wire_format.instants import format_hour, hour_start, to_us
from wire_format.lines import Money
from wire_format.money import format_usd, parse_nano

_AT_ONCE: Final = 1_000


def cash(asked: Asked) -> Cash:
    """Say what came in during a period by what its lines state, and how much of it is in question.

    What was given back of a payment is told with the payment, whenever it was given back; what
    takes from a payment of another period is not in this one. Fees of plans are taken from what
    came in before.
    """
    wanted: CashWanted = asked.query
    period = period_of(asked, wanted.period)
    counted, credit, given_back, waiting = (Counter[str]() for _ in range(4))
    for kind, state, credit_nano, left_nano in _lines(asked, period):
        if state != COUNTED:
            waiting[kind] += 1
            continue
        counted[kind] += 1
        credit[kind] += credit_nano
        if left_nano is not None:
            given_back[kind] += credit_nano - left_nano
    return Cash(
        begin=format_hour(period.first_hour),
        end=format_hour(period.end_hour),
        kinds=[
            CashKind(
                kind=kind,
                lines=counted[kind],
                credit_usd=format_usd(credit[kind]),
                given_back_usd=format_usd(given_back[kind]),
                waiting=waiting[kind],
            )
            for kind in sorted(counted.keys() | waiting.keys())
        ],
    )


def _lines(asked: Asked, period: Period) -> Iterator[tuple[str, str, int, int | None]]:
    """Kind, state, credit and what is left, of each line that is money itself."""
    store = asked.store
    since_us, until_us = (to_us(hour_start(hour)) for hour in (period.first_hour, period.end_hour))
    lines = store.payments.lines(None, since_us, until_us)
    money = (e for e in lines if isinstance(e.record, Money) and e.record.kind not in SILENT)
    while some := list(islice(money, _AT_ONCE)):
        # payments of everybody else need not be judged for this
        taken = taken_from(store, {line.record.user for line in some if line.record.user})
        for line in some:
            credit_usd = answer_of(line, None)["credit_usd"]
            left_nano = left_of(line, taken)
            yield line.record.kind, line.state, parse_nano(credit_usd or "0"), left_nano
