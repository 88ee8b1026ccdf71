"""What a provider does with saved cards: it keeps them, and charges them without the customer.

A charge is created, written down, and only then confirmed: creating moves nothing, and a charge can
be confirmed once. Who creates may be another program, with another key, than who saves cards.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol, runtime_checkable

from providers.consents import CardOwner
from providers.interface import Provider

ASKS_CUSTOMER: Final = "authentication_required"
"""The reason of a charge whose card's bank wants to ask the customer, at every provider."""


class SavedCard(NamedTuple):
    """A card that a provider keeps for a customer.

    Attributes:
        method: the provider's name of it.
        brand: `visa`.
        last4: its last digits.
        expires: `2027-09`.
    """

    method: str
    brand: str
    last4: str
    expires: str


class ChargeStatus(StrEnum):
    """How far a charge of a saved card is."""

    NEW = "new"
    """It was created, and never confirmed."""
    PROCESSING = "processing"
    """The provider will say more later."""
    NEEDS_CUSTOMER = "needs customer"
    """The customer's bank asks him."""
    DECLINED = "declined"
    """The card gave nothing; it may be confirmed again until it is canceled."""
    PAID = "paid"
    CANCELED = "canceled"
    """Nothing will come of it any more."""


class CardCharge(NamedTuple):
    """A charge of a saved card, as it is now.

    Attributes:
        object_id: the provider's name of it: the payment that it becomes.
        attempt: as in `ChargeOrder`; None where somebody else made it.
        status: how far it is.
        reason: the provider's word for why the card gave nothing (`insufficient_funds`,
            `authentication_required`), or why it was canceled; empty without one.
        url: where the customer answers his bank; None where nobody asks him.
        is_tagged: whether it has a tag of ours, signed or not.
        created_at: when it was created, or a page for it.
    """

    object_id: str
    attempt: str | None
    status: ChargeStatus
    reason: str
    url: str | None
    is_tagged: bool
    created_at: datetime


class ChargeOrder(NamedTuple):
    """A charge that is wanted.

    Attributes:
        card: the customer and his card.
        attempt: names the attempt, once and for all: the same one gives the same charge for a day.
        usd: the credit, in decimal text.
        amount: what is charged, in decimal text.
        currency: of `amount`.
        tag: `providers.tag.make_tag`.
    """

    card: CardOwner
    attempt: str
    usd: str
    amount: str
    currency: str
    tag: str


@runtime_checkable
class CardProvider(Provider, Protocol):
    """A provider that keeps cards; every method asks it, and raises as those of `Provider`."""

    def new_customer(self, user: str, tag: str) -> str:
        """Make a customer; within a day, the same account gives the same one.

        Args:
            user: the account, opaque.
            tag: `providers.tag.make_customer_tag`, kept with the customer.
        """

    def customer_tag(self, customer: str) -> str | None:
        """What we wrote on a customer; None where there is no such customer, or nothing."""

    def cards(self, customer: str) -> tuple[SavedCard, ...]:
        """The cards that are kept for a customer, the newest first."""

    def remove_card(self, customer: str, method: str) -> bool:
        """Keep a card no longer; whether it was kept for this customer."""

    def create_charge(self, order: ChargeOrder) -> CardCharge:
        """Create a charge; it moves nothing before it is confirmed.

        Raises:
            RefusedByProviderError: as with the code `resource_missing` where the card is gone.
        """

    def confirm(self, object_id: str) -> CardCharge:
        """Charge the card, without the customer; a charge that is not new is told as it is.

        A refusal of the card is an answer, no error.
        """

    def confirm_with_customer(self, object_id: str, return_url: str) -> CardCharge:
        """Try a charge again whose card's bank asks the customer, and say where he answers.

        Args:
            object_id: the charge.
            return_url: where he goes then.
        """

    def cancel(self, object_id: str) -> CardCharge:
        """Let nothing come of a charge any more; one that is paid, or in work, is told as it is."""

    def charge(self, object_id: str) -> CardCharge | None:
        """A charge as it is now; None where there is none."""

    def charges(self, customer: str | None, since: datetime) -> Iterator[CardCharge]:
        """Payments of a customer, or of everybody, created from a time on, whoever made them.

        Those that began on a page are among them. It was complete only if the iterator ended
        without an error.
        """
