"""One account at a provider, tills that tell of it, and what is to come out."""

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, Final

from providers.interface import RefusedByProviderError
from providers.stripe.account import StripeAccount
from providers.tag import Promise, read_tag
from tests.money_in.tills import ACCOUNT, TAG_KEY, WritingTill
from tests.support.money_cases import answer
from tests.support.money_story import Story
from tests.support.providers.clock import STARTS_AT
from tests.support.providers.fake_stripe import ACCOUNT as STRIPES_NAME
from tests.support.providers.fake_stripe import FakeStripe
from wire_format.money import parse_nano

LATER: Final = "2027-01-01T00:00:00Z"
"""When everything has happened."""

HIGH: Final = {"payment_max_usd": "1000.00", "unconfirmed_max_usd": "1000000.00"}
_LIVE: Final = {"name": ACCOUNT, "kind": "stripe", "account": STRIPES_NAME, "mode": "live"}
_numbers = itertools.count(1)
"""One server serves many histories, and no two may use one attempt."""

Pool = dict[str, int]
"""What users have, in nano-dollars; who has nothing is not in it."""


class Site:
    """A provider where nothing has happened yet, and tills that know of nothing.

    Args:
        stripe: the provider; whatever happened there is forgotten.
        account: the account there.
        nodes: the tills.

    Attributes:
        stripe: the provider.
        story: the lines.
        tills: by name.
        pages: the pages that were opened, in order.
    """

    def __init__(
        self,
        stripe: FakeStripe,
        account: StripeAccount,
        nodes: Sequence[str] = ("till-1", "till-2"),
    ) -> None:
        self.stripe = stripe
        stripe.objects.by_id.clear()
        stripe.objects.has_funds, stripe.objects.settles_in = True, None
        stripe.clock.advance(seconds=(STARTS_AT - stripe.clock()).total_seconds())
        stripe.hooks.waiting.clear()
        self.story = Story({node: dict(HIGH) for node in nodes}, providers=(_LIVE,))
        self.tills = {node: WritingTill(node, stripe, account, self.story) for node in nodes}
        self.pages: list[str] = []

    def offer(
        self, amount: str, currency: str = "USD", usd: str = "", user: str = "alice", till: int = 0
    ) -> str | None:
        """A customer is offered a page; None where the provider takes no such payment."""
        number = next(_numbers)
        now = self.stripe.clock()
        promise = Promise(user, usd or amount, currency, amount, now, f"{number:016x}")
        try:
            page = list(self.tills.values())[till].offer(promise, f"topup:{user}:{number}")
        except RefusedByProviderError:
            return None
        self.pages.append(page)
        self.stripe.clock.advance(minutes=2)
        return page

    def spread(self) -> None:
        """What the provider has to tell is on its way to every till."""
        for till in self.tills.values():
            till.heard += self.stripe.hooks.waiting
        self.stripe.hooks.waiting.clear()

    def told(self, till: str = "till-1") -> None:
        """Every hook arrives at a till, in order, and one more minute has gone."""
        self.spread()
        self.stripe.clock.advance(minutes=1)
        heard, self.tills[till].heard = self.tills[till].heard, []
        for hook in heard:
            self.tills[till].hear(hook)

    def owed(self) -> Pool:
        """What users have by the provider's own books and the promises that were signed."""
        sums: dict[str, Fraction | int] = defaultdict(int)
        used: set[str] = set()
        for worth in sorted(self.stripe.money().values(), key=lambda worth: worth.paid_at):
            promise = read_tag(TAG_KEY, ACCOUNT, worth.tag or "")
            if promise is None or not worth.is_live or promise.nonce in used:
                continue
            used.add(promise.nonce)
            if (worth.paid, worth.currency) == (Decimal(promise.amount), promise.currency):
                sums[promise.user] += round(parse_nano(promise.credited_usd) * worth.left)
        return {user: int(nano) for user, nano in sums.items() if nano}

    def case(self, shuffled: Random | None = None) -> dict[str, Any]:
        """The lines that were written, and the rules."""
        return {**self.story.case(shuffled), "ask": [LATER]}

    def credited(self, shuffled: Random | None = None) -> Pool:
        """What users have by the lines."""
        return pool_in(answer(self.case(shuffled)))

    def wrong(self) -> list[tuple[Pool, Pool]]:
        """Where lines and books differ, in whatever order the lines come."""
        owed = self.owed()
        orders = (None, Random(1), Random(2))
        found = [self.credited(order) for order in orders]
        return [(each, owed) for each in found if each != owed]


def pool_in(found: Mapping[str, Any]) -> Pool:
    """What users have by an answer."""
    return {user: has[LATER] for user, has in found["pool"].items() if has[LATER]}


@contextmanager
def provider() -> Iterator[tuple[FakeStripe, StripeAccount]]:
    """A server, and an account at it."""
    with FakeStripe() as fake, StripeAccount(ACCOUNT, "live", fake.key, fake.url) as account:
        yield fake, account
