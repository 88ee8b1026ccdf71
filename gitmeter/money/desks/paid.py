"""What is left of the payments that a template asks for. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from gitmeter.counting.effects import bonus_payment_of
from gitmeter.money.pool import Payment, payments_by_name
from wire_format.instants import to_us
from wire_format.lines import Money

Paid = Callable[[Money], int]
"""For a grant of a desk: nano-dollars that are left of the payments that allow it."""


def paid_by(payments: Iterable[Payment]) -> Paid:
    """What is left of payments, for each grant of a desk.

    Of a bonus it is its payment, whoever paid it and whenever; of another grant the payments of its
    account that are dated not after it.

    Args:
        payments: those that count, of all accounts in question, with what was taken of them.
    """
    listed = list(payments)
    by_name = payments_by_name(listed)
    by_user: dict[str, list[Payment]] = defaultdict(list)
    for payment in listed:
        by_user[payment.record.user].append(payment)

    def left_nano(grant: Money) -> int:
        bonus_on = bonus_payment_of(grant)
        if bonus_on is not None:
            found = by_name.get(bonus_on)
            return 0 if found is None else found.left_nano()
        at_us = to_us(grant.ts)
        own = by_user.get(grant.user, ())
        return sum(payment.left_nano() for payment in own if payment.at_us <= at_us)

    return left_nano
