"""A payment provider without a network: payments that go through everything that can happen.

It keeps what is true, names the object of each change as an event would, and answers as
`providers.interface.Provider` says. The providers that really exist are in `providers`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Self

from providers.cards import ChargeOrder, ChargeStatus
from providers.consents import CardOwner
from providers.interface import (
    Checkout,
    Fact,
    FactKind,
    Mode,
    Open,
    Order,
    RefusedByProviderError,
    SignatureError,
    Truth,
    UnreachableProviderError,
    WhoAmI,
)
from tests.till.world_cards import CardsOfWorld, WorldCards, in_time_s


class WorldPayment:
    """One payment, and what became of it.

    Attributes:
        order: what a page was made for; None where a test began it.
        charged: what a card is charged for; None where a customer pays.
        card: which was charged, or saved.
    """

    def __init__(self, name: str, tag: str | None, attempt: str | None, at: datetime) -> None:
        self.name = name
        self.tag = tag
        self.attempt = attempt
        self.created_at = at
        self.facts: list[Fact] = []
        self.is_open = True
        self.failed: str | None = None
        self.order: Order | None = None
        self.charged: ChargeOrder | None = None
        self.card: CardOwner | None = None
        self.status = ChargeStatus.NEW
        self.reason = ""
        self.url: str | None = None

    @property
    def customer(self) -> str | None:
        """Whom the provider knows as its payer."""
        if self.charged is not None:
            return self.charged.card.customer
        return None if self.order is None else self.order.customer


class World(WorldCards):
    """What is true at a provider; about saved cards see `tests.till.world_cards`.

    Attributes:
        now: the time, which only a test moves.
        is_down: whether it answers nothing.
        asked: how often it was asked about each object.
        is_tagged: whether it keeps tags, and cards.
    """

    def __init__(self, now: datetime, *, is_tagged: bool = True, mode: Mode = "test") -> None:
        super().__init__()
        self.now = now
        self.is_down = False
        self.is_tagged = is_tagged
        self.mode: Mode = mode
        self.asked: dict[str, int] = {}
        self.payments: dict[str, WorldPayment] = {}
        self.of_object: dict[str, str] = {}
        self.moved: list[tuple[datetime, str]] = []
        self.orders: list[Order] = []
        self.requests: dict[str, Fact] = {}
        self._count = 0

    def name(self, prefix: str) -> str:
        """A new name of an object."""
        self._count += 1
        return f"{prefix}_{self._count}"

    def begin(self, tag: str | None, attempt: str | None = None) -> str:
        """Begin a payment that has moved nothing yet."""
        name = self.name("pi")
        self.payments[name] = WorldPayment(name, tag, attempt, self.now.replace(microsecond=0))
        self.of_object[name] = name
        return name

    def succeed(self, payment: str, amount: str, currency: str = "USD") -> str:
        """The money of a payment arrives; returns the object of the event."""
        found = self.payments[payment]
        found.is_open, found.status, found.url = False, ChargeStatus.PAID, None
        if found.order is not None and found.order.consent and found.order.customer:
            found.card = self.keep_card(found.order.customer)
        return self._move(payment, "payment", payment, None, amount, currency)

    def fail(self, payment: str, why: str) -> str:
        """Nothing comes of a payment."""
        found = self.payments[payment]
        found.is_open, found.status, found.url = False, ChargeStatus.CANCELED, None
        found.failed = why
        return payment

    def refund(self, payment: str, amount: str, *, is_final: bool = True) -> str:
        """Money goes back."""
        name = self.name("re")
        return self._move(payment, "refund", name, payment, amount, is_final=is_final)

    def settle(self, payment: str, name: str) -> str:
        """A movement is final from now on."""
        facts = self.payments[payment].facts
        facts[:] = [
            fact._replace(is_final=True) if fact.external_ref == name else fact for fact in facts
        ]
        return name

    def reverse(self, payment: str, name: str) -> str:
        """A refund falls through: the money is here again."""
        self.settle(payment, name)
        refund = next(f for f in self.payments[payment].facts if f.external_ref == name)
        return self._move(payment, "refund_reversal", name, payment, refund.amount)

    def dispute(self, payment: str, amount: str) -> str:
        """A customer's bank takes the money back."""
        name = self.name("txn")
        return self._move(payment, "dispute", name, payment, amount, is_final=False)

    def reinstate(self, payment: str, name: str) -> str:
        """The dispute is won."""
        self.settle(payment, name)
        dispute = next(f for f in self.payments[payment].facts if f.external_ref == name)
        back = self.name("txn")
        return self._move(payment, "dispute_reversal", back, payment, dispute.amount)

    def _move(
        self,
        payment: str,
        kind: FactKind,
        name: str,
        of_ref: str | None,
        amount: str,
        currency: str | None = None,
        *,
        is_final: bool = True,
    ) -> str:
        found = self.payments[payment]
        currency = currency or found.facts[0].currency
        at = self.now.replace(microsecond=0)
        fact = Fact(kind, name, of_ref, amount, currency, at, found.tag, found.attempt, is_final)
        found.facts.append(fact)
        self.of_object[name] = payment
        self.moved.append((at, name))
        return name

    def open(self, name: str = "world-test") -> "WorldProvider":
        """An account at it."""
        return CardWorldProvider(self, name) if self.is_tagged else WorldProvider(self, name)


class WorldProvider:
    """One account of a world."""

    kind = "stripe"

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.mode: Mode = world.mode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is no connection."""

    def _answer(self) -> None:
        if self.world.is_down:
            raise UnreachableProviderError("the world is down")

    def whose(self) -> WhoAmI:
        """Whose key it is."""
        self._answer()
        return WhoAmI("acct_1", self.mode, ("checkout", "read", "refund"))

    def checkout(self, order: Order) -> Checkout:
        """Begin a payment."""
        self._answer()
        self.world.orders.append(order)
        name = self.world.begin(order.tag or None, order.attempt)
        self.world.payments[name].order = order
        expires_at = order.at + timedelta(seconds=order.expires_s)
        url = None if order.method == "prompt" else f"https://world.example/{name}"
        return Checkout(url, name, expires_at)

    def object_in(
        self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> str | None:
        """The body is the name of the object, and the signature is the secret itself."""
        del now
        if headers.get("x-world") not in secrets:
            raise SignatureError("not signed by the world")
        return body.decode() or None

    def truth(self, object_id: str) -> Truth | None:
        """Everything about a payment."""
        self._answer()
        self.world.asked[object_id] = self.world.asked.get(object_id, 0) + 1
        payment = self.world.of_object.get(object_id)
        if payment is None:
            return None
        found = self.world.payments[payment]
        order: dict[FactKind, int] = {"payment": 0, "refund": 1, "refund_reversal": 1}
        return Truth(
            object_id=payment,
            facts=tuple(sorted(found.facts, key=lambda fact: order.get(fact.kind, 2))),
            open=(Open(payment, "payment processing"),) if found.is_open else (),
            mode=self.mode,
            is_tagged=self.world.is_tagged,
            tag=found.tag,
            attempt=found.attempt,
            in_time_s=in_time_s(found.attempt),
            failed=found.failed,
            is_by_customer=found.charged is None,
            consent=found.order.consent if found.order is not None and found.facts else None,
            card=found.card if found.facts else None,
        )

    def since(self, at: datetime) -> Iterator[str]:
        """What moved."""
        for moved_at, name in self.world.moved:
            self._answer()
            if moved_at >= at:
                yield name

    def refund(
        self, payment_ref: str, amount: str | None, currency: str, request_id: str, reason: str
    ) -> Fact:
        """Give money back, once for each request."""
        del currency, reason
        self._answer()
        found = self.find_refund(payment_ref, request_id)
        if found is None:
            name = self.world.refund(payment_ref, amount or "")
            facts = self.world.payments[payment_ref].facts
            found = next(fact for fact in facts if fact.external_ref == name)
            self.world.requests[request_id] = found
        return found

    def find_refund(self, payment_ref: str, request_id: str) -> Fact | None:
        """The refund of a request."""
        del payment_ref
        self._answer()
        return self.world.requests.get(request_id)

    def to_minor(self, amount: str, currency: str) -> int:
        """Cents, and whole shillings."""
        whole, _, decimals = amount.partition(".")
        places = self._places(currency)
        if len(decimals.rstrip("0")) > places:
            raise RefusedByProviderError(f"{amount} {currency} is no amount")
        return int(whole + decimals[:places].ljust(places, "0"))

    def from_minor(self, minor: int, currency: str) -> str:
        """Cents, and whole shillings."""
        places = self._places(currency)
        if not places:
            return str(minor)
        return f"{minor // 10**places}.{minor % 10**places:0{places}d}"

    def _places(self, currency: str) -> Literal[0, 2]:
        if currency == "XXX":
            raise RefusedByProviderError("no such currency")
        return 0 if currency == "TZS" else 2


class CardWorldProvider(WorldProvider, CardsOfWorld):
    """One account of a world that keeps cards."""
