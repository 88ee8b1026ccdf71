"""The objects of Stripe, as far as they are read; whatever else they have is left aside.

Words that grow (a status) are text, never a closed list.
"""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from providers.interface import UnreachableProviderError

_T = TypeVar("_T")


class BalanceEntry(Struct, frozen=True):
    """A balance transaction, in the currency in which the account is paid out."""

    id: str
    amount: int
    currency: str
    created: int


class PaymentMethod(Struct, frozen=True):
    """How a charge was made."""

    type: str


class Charge(Struct, frozen=True):
    """One try to take the money; the latest of a succeeded payment is the one that did."""

    id: str
    created: int
    payment_method_details: PaymentMethod | None = None


class CardFace(Struct, frozen=True):
    """What is shown of a card."""

    brand: str
    last4: str
    exp_month: int
    exp_year: int


class SavedMethod(Struct, frozen=True):
    """A way to pay that may be kept for a customer."""

    id: str
    customer: str | None = None
    card: CardFace | None = None


class PaymentFault(Struct, frozen=True):
    """Why the last try did not take it."""

    code: str | None = None
    decline_code: str | None = None
    payment_method: SavedMethod | None = None


class Redirect(Struct, frozen=True):
    """Where a customer answers his bank."""

    url: str | None = None


class NextAction(Struct, frozen=True):
    """What a customer has to do."""

    redirect_to_url: Redirect | None = None


class Intent(Struct, frozen=True):
    """A payment."""

    id: str
    currency: str
    status: str
    livemode: bool
    created: int
    amount_received: int = 0
    metadata: dict[str, str] = {}
    customer: str | None = None
    payment_method: str | None = None
    setup_future_usage: str | None = None
    next_action: NextAction | None = None
    latest_charge: Charge | str | None = None
    last_payment_error: PaymentFault | None = None
    cancellation_reason: str | None = None


class Refund(Struct, frozen=True):
    """Money given back."""

    id: str
    amount: int
    currency: str
    created: int
    status: str | None = None
    metadata: dict[str, str] | None = None
    failure_balance_transaction: BalanceEntry | str | None = None


class Dispute(Struct, frozen=True):
    """Money that the customer's bank asks back."""

    id: str
    amount: int
    currency: str
    status: str
    balance_transactions: list[BalanceEntry] = []


class CheckoutSession(Struct, frozen=True):
    """A page of Checkout."""

    id: str
    livemode: bool
    expires_at: int
    status: str | None = None
    url: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None


class StripeCustomer(Struct, frozen=True):
    """Somebody for whom cards are kept; of a deleted one nothing but the id is left."""

    id: str
    livemode: bool = False
    deleted: bool = False
    metadata: dict[str, str] = {}


class StripeOwner(Struct, frozen=True):
    """Whose key it is."""

    id: str


class EventObject(Struct, frozen=True):
    """What an event is about."""

    id: str = ""


class EventData(Struct, frozen=True):
    """The part of an event that has its object."""

    object: EventObject = EventObject()


class Event(Struct, frozen=True):
    """What a webhook says: a snapshot has the object in `data`, a thin one only its id."""

    livemode: bool
    account: str | None = None
    data: EventData | None = None
    related_object: EventObject | None = None


def read(shape: type[_T], found: Any) -> _T:  # noqa: ANN401 - JSON
    """Read an object from what the library gives.

    Raises:
        UnreachableProviderError: it has not its form.
    """
    try:
        return msgspec.convert(found, shape)
    except msgspec.ValidationError as error:
        raise UnreachableProviderError(
            f"Stripe's answer is not of the form that it should have: {error}",
            hint="is the address Stripe's? A newer version of gitmeter may know the form",
        ) from None
