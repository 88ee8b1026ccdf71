"""What the project needs of a payment provider, whichever it is.

A webhook is a hint: it names an object, and `truth` asks the provider what is true of its payment
now. So it does not matter in which order hints arrive, how often, or whether one is lost. Amounts
are decimal text in the currency (`20.00`), currencies are codes of ISO 4217 in upper case, and
times are UTC in whole seconds.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, Self

from gitmeter.support.errors import GitmeterError
from providers.consents import CardOwner, ConsentTerms

Mode = Literal["live", "test"]
FactKind = Literal["payment", "refund", "refund_reversal", "dispute", "dispute_reversal"]
Ability = Literal["read", "checkout", "cards", "charge", "refund"]


class ProviderError(GitmeterError):
    """A provider did not do what it was asked for.

    Attributes:
        code: the provider's own word (`resource_missing`, `card_declined`); empty without one.
        status: of HTTP; 0 where nothing was answered.
    """

    def __init__(self, message: str, *, hint: str = "", code: str = "", status: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status


class UnreachableProviderError(ProviderError):
    """No answer that can be used: the network, a busy or broken provider; later it may work."""

    retry = True


class RefusedByProviderError(ProviderError):
    """The provider understood the request and refuses it; the same request stays refused."""


class SignatureError(ProviderError):
    """A webhook is not signed by the provider with one of our secrets, or is too old."""


class Fact(NamedTuple):
    """One movement of money that a provider says is true now.

    Attributes:
        kind: what moved.
        external_ref: the provider's name of the movement: of Stripe `pi_` for a payment, `re_` or
            `pyr_` for a refund and for its reversal, `txn_` for an entry of a dispute; of ClickPesa
            the payment's id.
        of_ref: the payment that it takes from; None for a payment.
        amount: above zero. A dispute's and its reversal's is the dispute's, at most the payment's.
        currency: of the payment.
        at: a payment's is the time of its latest charge, a refund's of the refund, that of an entry
            of a dispute and of a refund that fell through is the time of the balance transaction.
        tag: the payment's own, on every fact of that payment; None where it has none.
        attempt: the payment's `Order.attempt`; None where it has none.
        is_final: False for a refund or dispute that may still change without a new movement: ask
            again.
    """

    kind: FactKind
    external_ref: str
    of_ref: str | None
    amount: str
    currency: str
    at: datetime
    tag: str | None
    attempt: str | None
    is_final: bool


class Open(NamedTuple):
    """Something of a payment that is not final and has moved no money yet: ask again.

    Attributes:
        object_id: for `Provider.truth`.
        what: its kind and status, for people: `payment_intent processing`.
    """

    object_id: str
    what: str


class Truth(NamedTuple):
    """Everything that a provider says about one payment, or about one order's payments.

    Attributes:
        object_id: the name under which it can be asked again: `pi_`, `cs_` while there is no
            payment yet, or ClickPesa's order reference.
        facts: what moved: payments, then refunds and their reversals, then disputes and theirs.
        open: what is not final yet.
        mode: `live` or `test`.
        is_tagged: whether the provider keeps tags. Where it does not (ClickPesa), the promise is
            that of the first `pending` line of `attempt`.
        tag: what we wrote on it; None where there is none.
        attempt: as `Order.attempt` was; None where it is not known.
        in_time_s: how long after the promise a payment by this method is in time.
        failed: why nothing will come of the attempt any more (`expired`, `card_declined`); None
            where it has not ended, or has ended in a payment.
        is_by_customer: whether a customer paid it himself, on a page or by a prompt; False where a
            saved card was charged, and where that is not known.
        consent: what the customer agreed to with this payment; None if nothing, or if the payment
            has not succeeded.
        card: the card that was saved with this payment, or charged by it; None without one.
    """

    object_id: str
    facts: tuple[Fact, ...]
    open: tuple[Open, ...]
    mode: Mode
    is_tagged: bool
    tag: str | None
    attempt: str | None
    in_time_s: int
    failed: str | None
    is_by_customer: bool = True
    consent: ConsentTerms | None = None
    card: CardOwner | None = None


class Order(NamedTuple):
    """What a customer wants to pay.

    Attributes:
        user: whose balance it is for.
        usd: the credit that is promised, in decimal text.
        amount: what is to be paid.
        currency: of `amount`.
        attempt: names this attempt, once and for all; the same attempt with everything the same
            gives the same checkout. For ClickPesa 1..20 letters and digits.
        at: when the promise was made, as in the tag.
        tag: `providers.tag.make_tag`; empty where the provider keeps none.
        success_url: where the customer goes after paying.
        cancel_url: where the customer goes who does not want to pay.
        expires_s: how long the checkout is open; Stripe allows 30 minutes to 24 hours.
        method: `page` for a page of the provider, `prompt` for a question on a telephone.
        phone: for a prompt, in digits with the country's code: `255712345678`.
        customer: the provider's name of the customer who pays; None for nobody whom it knows.
        consent: what the page states, so that the card is saved; needs `customer`.
    """

    user: str
    usd: str
    amount: str
    currency: str
    attempt: str
    at: datetime
    tag: str
    success_url: str
    cancel_url: str
    expires_s: int
    method: Literal["page", "prompt"] = "page"
    phone: str | None = None
    customer: str | None = None
    consent: ConsentTerms | None = None


class Checkout(NamedTuple):
    """A payment that can now be made.

    Attributes:
        url: the page to send the customer to; None for a prompt.
        object_id: for `Provider.truth`.
        expires_at: from then on the promise does not hold.
    """

    url: str | None
    object_id: str
    expires_at: datetime


class WhoAmI(NamedTuple):
    """Whose key it is.

    Attributes:
        account: the provider's own name of the account: `acct_1Abc`, or ClickPesa's client id.
        mode: `live` or `test`.
        can: what the key may do, sorted.
    """

    account: str
    mode: Mode
    can: tuple[Ability, ...]


class Provider(Protocol):
    """One account at a payment provider; a context manager, for one thread at a time.

    A connection is kept for the next request until the context ends. Every method but `object_in`,
    `to_minor` and `from_minor` asks the provider, within limits of time, bytes and number of
    answers, and raises `UnreachableProviderError` or `RefusedByProviderError`.
    """

    def __enter__(self) -> Self:
        """Nothing is sent yet."""

    def __exit__(self, *_: object) -> None:
        """Close the connection."""

    @property
    def name(self) -> str:
        """Ours for the account: `stripe`, `stripe-eu`, `clickpesa-tz`."""

    @property
    def kind(self) -> str:
        """`stripe` or `clickpesa`."""

    @property
    def mode(self) -> Mode:
        """Of the key, the address and every object."""

    def whose(self) -> WhoAmI:
        """Whose key it is and what it may do; changes nothing."""

    def checkout(self, order: Order) -> Checkout:
        """Begin a payment. Calling it again with the same order gives the same one."""

    def object_in(
        self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
    ) -> str | None:
        """The object that a webhook is about; None where it is of no interest, or of another mode.

        Args:
            body: as it came, to the byte.
            headers: by name, in any letter case.
            secrets: any of them may have signed it.
            now: our own time.

        Raises:
            SignatureError: it is not the provider's, or too old.
        """

    def truth(self, object_id: str) -> Truth | None:
        """Everything about the payment that an object belongs to.

        Args:
            object_id: as from `object_in`, `since`, `Truth.object_id`, `Open.object_id` or
                `Checkout.object_id`; any other text is no object.

        Returns:
            None where there is no such object, as one of the other mode, or where it belongs to no
            payment that could be ours.
        """

    def since(self, at: datetime) -> Iterator[str]:
        """Objects whose money moved at or after `at`, each once; payments oldest first.

        What was created earlier and has not moved is not among them: ask again for everything that
        was not final. It was complete only if the iterator ended without an error.
        """

    def refund(
        self, payment_ref: str, amount: str | None, currency: str, request_id: str, reason: str
    ) -> Fact:
        """Give money back, once for each `request_id`: an earlier one is found first.

        Args:
            payment_ref: the payment.
            amount: None for all that is left.
            currency: of the payment.
            request_id: names the request for ever.
            reason: for people, kept with the refund.
        """

    def find_refund(self, payment_ref: str, request_id: str) -> Fact | None:
        """The refund that was made for a request."""

    def to_minor(self, amount: str, currency: str) -> int:
        """An amount in the units that the provider counts in.

        Raises:
            RefusedByProviderError: the provider cannot take this amount or currency.
        """

    def from_minor(self, minor: int, currency: str) -> str:
        """An amount in decimal text, from the units that the provider counts in."""
