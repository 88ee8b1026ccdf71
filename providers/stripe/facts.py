"""What Stripe's objects mean; pure.

A payment counts when its intent succeeded, with what was received. A refund counts from the moment
it exists, whatever its status, and one that fell through has a reversal as well. Of a dispute only
its balance transactions count: money went, money came back; an inquiry has none.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from gitmeter.money.topups.attempts import is_automatic
from providers.consents import CardOwner, ConsentTerms
from providers.interface import Fact, FactKind, Mode, Open, Truth, UnreachableProviderError
from providers.stripe.shapes import BalanceEntry, Charge, CheckoutSession, Dispute, Intent, Refund
from providers.stripe.units import from_minor
from wire_format.fields import AMOUNT_PATTERN, REFERENCE_PATTERN

TAG_KEY: Final = "gitmeter"
ATTEMPT_KEY: Final = "gitmeter_attempt"
REQUEST_KEY: Final = "gitmeter_request"
CONSENT_KEY: Final = "gitmeter_consent"
SAVES_CARD: Final = "off_session"
"""`setup_future_usage` of a payment whose card is kept, to be charged without its owner."""

SESSION_S: Final = 60 * 60
"""How long a page of Checkout is open at most, and so a promise for whoever pays at once."""

DELAYED_S: Final = 14 * 24 * 60 * 60
"""As long for methods whose money comes when the customer's bank sends it."""

AUTOMATIC_S: Final = 4 * 24 * 60 * 60
"""As long where a saved card is charged: a customer has three days to answer his bank."""

_DELAYED_METHODS: Final = frozenset(
    (
        *("acss_debit", "au_becs_debit", "bacs_debit", "boleto", "customer_balance", "konbini"),
        *("multibanco", "nz_bank_account", "oxxo", "sepa_debit", "us_bank_account"),
    )
)
_ATTEMPT: Final = re.compile(REFERENCE_PATTERN)
_CONSENT: Final = re.compile(
    rf"(?P<amount>(?!-){AMOUNT_PATTERN})\|(?P<below>(?!-){AMOUNT_PATTERN})"
    rf"\|(?P<month>(?!-){AMOUNT_PATTERN})"
)
_FELL_THROUGH: Final = frozenset(["failed", "canceled"])
_REFUND_IS_OPEN: Final = frozenset(["pending", "requires_action"])
_DISPUTE_IS_CLOSED: Final = frozenset(["won", "lost", "warning_closed", "prevented"])


def mode_of(livemode: bool) -> Mode:  # noqa: FBT001 - Stripe's own word
    """The mode of an object."""
    return "live" if livemode else "test"


def consent_text(terms: ConsentTerms) -> str:
    """What a customer agrees to, as metadata of his payment has it."""
    return "|".join(terms)


def needs_page(intent: Intent) -> bool:
    """Whether `of_payment` has to know the page that a payment was made on.

    A saved card cannot be charged without its customer, so a succeeded payment that has none was
    its payer's own.
    """
    is_charge = intent.customer is not None or is_automatic(attempt_of(intent.metadata))
    return is_charge or intent.status != "succeeded"


def of_payment(
    intent: Intent,
    refunds: Sequence[Refund],
    disputes: Sequence[Dispute],
    session: CheckoutSession | None,
) -> Truth:
    """Everything about one payment.

    Args:
        intent: with its latest charge in full, if it succeeded.
        refunds: all of them.
        disputes: all of them.
        session: the page it was made on, where `needs_page` asks for it and there is one.

    Raises:
        UnreachableProviderError: it succeeded, and has no charge.
    """
    said = _Said(intent)
    facts = [said.payment()] if intent.status == "succeeded" else []
    for refund in sorted(refunds, key=lambda refund: (refund.created, refund.id)):
        facts += said.refund(refund)
    opened: list[Open] = []
    for dispute in disputes:
        facts += said.dispute(dispute)
        opened += _open_dispute(dispute, intent)
    failed = None if facts else _failed(intent, session)
    if not facts and failed is None:
        opened.append(Open(intent.id, f"payment_intent {intent.status}"))
    is_by_customer = not needs_page(intent) or (
        session is not None and session.status == "complete"
    )
    card = _card(intent, is_by_customer=is_by_customer)
    return Truth(
        object_id=intent.id,
        facts=tuple(facts),
        open=tuple(opened),
        mode=mode_of(intent.livemode),
        is_tagged=True,
        tag=said.tag,
        attempt=said.attempt,
        in_time_s=said.in_time_s,
        failed=failed,
        is_by_customer=is_by_customer,
        consent=_consent(intent) if is_by_customer and card is not None else None,
        card=card,
    )


def of_session(session: CheckoutSession) -> Truth:
    """Everything about a page on which nobody has begun to pay."""
    is_open = session.status == "open"
    metadata = session.metadata or {}
    return Truth(
        object_id=session.id,
        facts=(),
        open=(Open(session.id, "checkout.session open"),) if is_open else (),
        mode=mode_of(session.livemode),
        is_tagged=True,
        tag=metadata.get(TAG_KEY),
        attempt=attempt_of(metadata),
        in_time_s=SESSION_S,
        failed=None if is_open else (session.status or "expired"),
    )


def fact_of_refund(refund: Refund, intent: Intent) -> Fact:
    """A refund by itself, whatever became of it later."""
    return _Said(intent).refund(refund)[0]


class _Said:
    """What all facts of one payment have in common."""

    def __init__(self, intent: Intent) -> None:
        self._intent = intent
        self._charge = intent.latest_charge if isinstance(intent.latest_charge, Charge) else None
        self._currency = intent.currency.upper()
        self.tag = intent.metadata.get(TAG_KEY)
        self.attempt = attempt_of(intent.metadata)

    @property
    def in_time_s(self) -> int:
        if is_automatic(self.attempt):
            return AUTOMATIC_S
        method = self._charge.payment_method_details if self._charge else None
        is_delayed = method is not None and method.type in _DELAYED_METHODS
        return DELAYED_S if is_delayed else SESSION_S

    def payment(self) -> Fact:
        if self._charge is None:
            raise UnreachableProviderError(
                f"Stripe names no charge of {self._intent.id}, so nobody knows when it was paid"
            )
        received = self._intent.amount_received
        return self._fact("payment", self._intent.id, received, self._charge.created)

    def refund(self, refund: Refund) -> list[Fact]:
        is_final = refund.status not in _REFUND_IS_OPEN
        given = self._fact("refund", refund.id, refund.amount, refund.created, is_final=is_final)
        if refund.status not in _FELL_THROUGH:
            return [given]
        entry = refund.failure_balance_transaction
        at = entry.created if isinstance(entry, BalanceEntry) else refund.created
        return [given, self._fact("refund_reversal", refund.id, refund.amount, at)]

    def dispute(self, dispute: Dispute) -> Iterable[Fact]:
        at_most = self._intent.amount_received
        is_ours = dispute.currency == self._intent.currency
        amount = min(dispute.amount, at_most) if is_ours else at_most
        is_final = dispute.status in _DISPUTE_IS_CLOSED
        for entry in sorted(dispute.balance_transactions, key=lambda each: (each.created, each.id)):
            if entry.amount and not _is_partial(entry, dispute):
                kind: FactKind = "dispute" if entry.amount < 0 else "dispute_reversal"
                yield self._fact(kind, entry.id, amount, entry.created, is_final=is_final)

    def _fact(
        self, kind: FactKind, ref: str, amount: int, at: int, *, is_final: bool = True
    ) -> Fact:
        return Fact(
            kind=kind,
            external_ref=ref,
            of_ref=None if kind == "payment" else self._intent.id,
            amount=from_minor(amount, self._currency),
            currency=self._currency,
            at=datetime.fromtimestamp(at, UTC),
            tag=self.tag,
            attempt=self.attempt,
            is_final=is_final,
        )


def attempt_of(metadata: dict[str, str]) -> str | None:
    """The attempt that is named on a payment."""
    attempt = metadata.get(ATTEMPT_KEY, "")
    return attempt if _ATTEMPT.fullmatch(attempt) else None


def _card(intent: Intent, *, is_by_customer: bool) -> CardOwner | None:
    """The card that a payment saved, or was charged from."""
    if intent.status != "succeeded" or intent.customer is None or intent.payment_method is None:
        return None
    if is_by_customer and intent.setup_future_usage != SAVES_CARD:
        return None
    return CardOwner(intent.customer, intent.payment_method)


def _consent(intent: Intent) -> ConsentTerms | None:
    found = _CONSENT.fullmatch(intent.metadata.get(CONSENT_KEY, ""))
    return found and ConsentTerms(found["amount"], found["below"], found["month"])


def _is_partial(entry: BalanceEntry, dispute: Dispute) -> bool:
    """Whether less came back than went; only entries in one currency can tell."""
    went = [
        -each.amount
        for each in dispute.balance_transactions
        if each.amount < 0 and each.currency == entry.currency
    ]
    return bool(went) and 0 < entry.amount < max(went)


def _open_dispute(dispute: Dispute, intent: Intent) -> Iterable[Open]:
    if any(_is_partial(entry, dispute) for entry in dispute.balance_transactions):
        yield Open(intent.id, f"dispute {dispute.id}: a part came back, which a person must enter")
    elif not dispute.balance_transactions and dispute.status not in _DISPUTE_IS_CLOSED:
        yield Open(intent.id, f"dispute {dispute.status}")


def _failed(intent: Intent, session: CheckoutSession | None) -> str | None:
    """Why nothing will come of it; None while something may."""
    if intent.status == "canceled":
        return intent.cancellation_reason or "canceled"
    if session is None or intent.status == "processing":
        return None
    if session.status == "expired":
        return "expired"
    if session.status == "complete" and intent.status == "requires_payment_method":
        fault = intent.last_payment_error or None
        return (fault and (fault.decline_code or fault.code)) or "payment_failed"
    return None
