"""What came in during a period: payments, what was given back of them, and what was given."""

from collections import Counter

from aggregator.reports.payments import lines
from gitmeter.counting.effects import SILENT
from portal.api.house.feed import COUNTED, period_of
from portal.api.house.forms import Cash, CashKind, CashWanted
from portal.api.request import Asked
from wire_format.instants import format_hour
from wire_format.money import format_usd, parse_nano


def cash(asked: Asked) -> Cash:
    """Say what came in during a period by what its lines state, and how much of it is in question.

    What was given back of a payment is told with the payment, whenever it was given back; what
    takes from a payment of another period is not in this one. Fees of plans are taken from what
    came in before.
    """
    wanted: CashWanted = asked.query
    period = period_of(asked, wanted.period)
    counted, credit, given_back, waiting = (Counter[str]() for _ in range(4))
    for row in lines(asked.store, None, period.first_hour, period.end_hour):
        kind = row["kind"]
        if row["amount"] is None or kind in SILENT:  # a line about an account, or no money yet
            continue
        if row["state"] != COUNTED:
            waiting[kind] += 1
            continue
        credit_nano = parse_nano(row["credit_usd"] or "0")
        counted[kind] += 1
        credit[kind] += credit_nano
        if row["left_usd"] is not None:
            given_back[kind] += credit_nano - parse_nano(row["left_usd"])
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
