"""What Stripe's objects say of saved cards and of charging them; pure."""

from datetime import UTC, datetime
from typing import Final

from providers.cards import ASKS_CUSTOMER, CardCharge, ChargeStatus, SavedCard
from providers.stripe.facts import TAG_KEY, attempt_of
from providers.stripe.shapes import CardFace, Intent, PaymentFault

UNCONFIRMED: Final = "requires_confirmation"
"""The status of a payment that has a card, and was never confirmed."""

_DECLINED: Final = "card_declined"
_STATUSES: Final = {
    UNCONFIRMED: ChargeStatus.NEW,
    "requires_action": ChargeStatus.NEEDS_CUSTOMER,
    "succeeded": ChargeStatus.PAID,
    "canceled": ChargeStatus.CANCELED,
}
"""Whatever else there may be is in work: Stripe will say more."""


def charge_of(intent: Intent) -> CardCharge:
    """A charge of a saved card, or any other payment, as it is."""
    status = _status(intent)
    reason = _fault_words(intent.last_payment_error)
    if status is ChargeStatus.CANCELED:
        reason = reason or intent.cancellation_reason or ""
    elif status is ChargeStatus.NEEDS_CUSTOMER:
        reason = ASKS_CUSTOMER
    elif status is ChargeStatus.DECLINED:
        reason = reason or _DECLINED  # the fault is gone once somebody changes the payment
    else:
        reason = ""
    asked = intent.next_action.redirect_to_url if intent.next_action is not None else None
    return CardCharge(
        object_id=intent.id,
        attempt=attempt_of(intent.metadata),
        status=status,
        reason=reason,
        url=asked.url if asked is not None and intent.status == "requires_action" else None,
        is_tagged=TAG_KEY in intent.metadata,
        created_at=datetime.fromtimestamp(intent.created, UTC),
    )


def card_to_try_again(intent: Intent) -> str | None:
    """The card that gave nothing; Stripe takes it off the payment, and names it in the fault."""
    fault = intent.last_payment_error
    if fault is not None and fault.payment_method is not None:
        return fault.payment_method.id
    return intent.payment_method


def saved_card(method: str, face: CardFace) -> SavedCard:
    """A card as customers are shown it."""
    expires = f"{face.exp_year:04d}-{face.exp_month:02d}"
    return SavedCard(method, face.brand, face.last4, expires)


def _status(intent: Intent) -> ChargeStatus:
    if intent.status != "requires_payment_method":
        return _STATUSES.get(intent.status, ChargeStatus.PROCESSING)
    if _fault_words(intent.last_payment_error) == ASKS_CUSTOMER:
        return ChargeStatus.NEEDS_CUSTOMER
    was_tried = intent.last_payment_error is not None or intent.latest_charge is not None
    return ChargeStatus.DECLINED if was_tried else ChargeStatus.NEW


def _fault_words(fault: PaymentFault | None) -> str:
    return (fault and (fault.decline_code or fault.code)) or ""
