"""What happens to payments of two users, and what two tills get to know of it and when.

Till-1 gets webhooks, some twice, late or never. Till-2 gets none and asks by itself.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st

from tests.money_in.site import Site
from tests.support.providers.fake_stripe import DELAYED
from tests.support.providers.stripe_objects import StripeRefusal

Step = tuple[str, int, int]
"""What happens, and two numbers that say to what and how."""

USERS: Final = ("alice", "bob")
PRICES: Final = (
    *(("20.00", "USD", "20.00"), ("0.70", "USD", "0.70"), ("18.50", "EUR", "20.00")),
    *(("3000", "JPY", "20.123456789"), ("7", "KRW", "0.000000001"), ("5.500", "KWD", "17.77")),
    *(("3000", "ISK", "21.00"), ("9001", "MGA", "2.00"), ("26000.00", "TZS", "10.00")),
)
_ENDED: Final = {"failed", "canceled"}


class History:
    """Does steps at a site; one for which there is nothing to do does nothing.

    Attributes:
        site: where.
        payments: those of our pages that somebody began, in order.
        delayed: those whose money is on its way.
        refunds, inquiries, disputes: of them.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.payments: list[str] = []
        self.delayed: list[str] = []
        self.refunds: list[str] = []
        self.inquiries: list[str] = []
        self.disputes: list[str] = []

    def do(self, step: Step) -> None:
        """One step; time goes on by seconds, or by hours where it is that."""
        what, first, second = step
        _DEEDS[what](self, first, second)
        self.site.spread()
        self.site.stripe.clock.advance(seconds=7)

    def end(self) -> None:
        """Whatever was lost on the way: the till that sweeps asks once more."""
        self.site.stripe.clock.advance(hours=1)
        self.site.tills["till-2"].sweep()

    def paid(self) -> list[str]:
        """The payments that succeeded."""
        return [each for each in self.payments if self._object(each)["status"] == "succeeded"]

    def _object(self, name: str) -> dict[str, Any]:
        return self.site.stripe.objects.by_id[name]

    def _pay(self, first: int, second: int) -> None:
        stripe, way = self.site.stripe, second % 10
        amount, currency, usd = PRICES[first // 4 % len(PRICES)]
        page = self.site.offer(amount, currency, usd, USERS[first % 2], first // 2 % 2)
        if page is None:
            return
        if way == 0:
            stripe.expire(page)
            return
        if way == 1:
            self.payments.append(stripe.begin(page))
            return
        if way == 2:
            stripe.decline(page)
        other = 150 if way == 3 else None
        is_delayed = way > 6
        payment = stripe.pay(page, method=DELAYED if is_delayed else "card", amount=other)
        self.payments.append(payment)
        if is_delayed:
            self.delayed.append(payment)

    def _settle(self, first: int, second: int) -> None:
        if self.delayed:
            payment = self.delayed.pop(first % len(self.delayed))
            self.site.stripe.settle(payment, succeeds=bool(second % 3))

    def _refund(self, first: int, second: int) -> None:
        if not (paid := self.paid()):
            return
        payment = paid[first % len(paid)]
        amount = self._object(payment)["amount_received"] * (1 + second % 7) // 7
        status = (None, None, "pending", "requires_action", "failed")[second % 5]
        self.site.stripe.objects.has_funds = bool(second % 2)
        try:
            self.refunds.append(self.site.stripe.refund(payment, amount or None, status))
        except StripeRefusal:  # nothing is left to give back
            return

    def _change(self, first: int, second: int) -> None:
        if self.refunds:
            refund = self.refunds[first % len(self.refunds)]
            if self._object(refund)["status"] not in _ENDED:
                status = ("failed", "succeeded", "failed", "canceled")[second % 4]
                self.site.stripe.change_refund(refund, status)

    def _dispute(self, first: int, second: int) -> None:
        if paid := self.paid():
            payment = paid[first % len(paid)]
            amount = self._object(payment)["amount_received"] * (1 + second % 8) // 6
            ask = self.site.stripe.inquire if second % 3 == 0 else self.site.stripe.dispute
            (self.inquiries if second % 3 == 0 else self.disputes).append(
                ask(payment, max(1, amount))
            )

    def _escalate(self, first: int, _: int) -> None:
        if self.inquiries:
            self.disputes.append(self.inquiries.pop(first % len(self.inquiries)))
            self.site.stripe.escalate(self.disputes[-1])

    def _close(self, first: int, second: int) -> None:
        if second % 4 == 0 and self.inquiries:
            self.site.stripe.close_dispute(self.inquiries.pop(), "warning_closed")
        elif self.disputes:
            dispute = self.disputes.pop(first % len(self.disputes))
            self.site.stripe.close_dispute(dispute, ("won", "lost")[second % 2])

    def _elsewhere(self, first: int, second: int) -> None:
        """Another program's payment, or one of test mode with a tag of ours."""
        stripe = self.site.stripe
        if second % 2 or not self.payments:
            payment = stripe.elsewhere(500 + first, metadata={"user": "alice"})
            if first % 2:
                stripe.refund(payment, 100)
            return
        tag = self._object(self.payments[first % len(self.payments)])["metadata"]
        stripe.elsewhere(2000, metadata=tag, is_live=False)

    def _hear(self, first: int, second: int) -> None:
        """Some hooks come to till-1: the oldest or the newest; some come again, some are lost."""
        till, way = self.site.tills["till-1"], second % 5
        if way == 4:
            del till.heard[first % 3 :: 3]
            return
        heard = till.heard[:: -1 if way == 3 else 1][: 1 + first % 3]
        if way != 2:  # or they will come again
            till.heard = [hook for hook in till.heard if hook not in heard]
        for hook in heard:
            till.hear(hook)

    def _sweep(self, _first: int, second: int) -> None:
        self.site.tills["till-1" if second % 8 == 0 else "till-2"].sweep()

    def _wait(self, first: int, _: int) -> None:
        self.site.stripe.clock.advance(hours=1 + first % 24)

    def _settles_in(self, first: int, _: int) -> None:
        other = ("chf", Fraction(93, 100))
        self.site.stripe.objects.settles_in = other if first % 2 else None


_DEEDS: Final[dict[str, Callable[[History, int, int], None]]] = {
    "pay": History._pay,
    "settle": History._settle,
    "refund": History._refund,
    "change": History._change,
    "dispute": History._dispute,
    "escalate": History._escalate,
    "close": History._close,
    "elsewhere": History._elsewhere,
    "hear": History._hear,
    "sweep": History._sweep,
    "wait": History._wait,
    "settles in": History._settles_in,
}
_OFTEN: Final = (*("pay", "refund", "hear", "hear", "wait"), *sorted(_DEEDS))
_NUMBER: Final = st.integers(0, 99)
_STEPS: Final = st.tuples(st.sampled_from(_OFTEN), _NUMBER, _NUMBER)

HISTORIES: Final = st.tuples(_NUMBER, st.lists(_STEPS, min_size=8, max_size=24)).map(
    lambda drawn: [("pay", drawn[0], 5), *drawn[1]]
)
"""Histories in which at least one payment is made."""
