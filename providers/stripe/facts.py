"""What Stripe's objects mean; pure.

A payment counts when its intent succeeded, with what was received. A refund counts from the moment
it exists, whatever its status, and one that fell through has a reversal as well. Of a dispute only
its balance transactions count: money went, money came back; an inquiry has none.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from providers.interface import Fact, FactKind, Mode, Open, Truth, UnreachableProviderError
from providers.stripe.shapes import BalanceEntry, Charge, CheckoutSession, Dispute, Intent, Refund
from providers.stripe.units import from_minor
from wire_format.fields import REFERENCE_PATTERN

TAG_KEY: Final = "gitmeter"
ATTEMPT_KEY: Final = "gitmeter_attempt"
REQUEST_KEY: Final = "gitmeter_request"

SESSION_S: Final = 60 * 60
"""How long a page of Checkout is open at most, and so a promise for whoever pays at once."""

DELAYED_S: Final = 14 * 24 * 60 * 60
"""As long for methods whose money comes when the customer's bank sends it."""

_DELAYED_METHODS: Final = frozenset(
    (
        *("acss_debit", "au_becs_debit", "bacs_debit", "boleto", "customer_balance", "konbini"),
        *("multibanco", "nz_bank_account", "oxxo", "sepa_debit", "us_bank_account"),
    )
)
_ATTEMPT: Final = re.compile(REFERENCE_PATTERN)
_FELL_THROUGH: Final = frozenset(["failed", "canceled"])
_REFUND_IS_OPEN: Final = frozenset(["pending", "requires_action"])
_DISPUTE_IS_CLOSED: Final = frozenset(["won", "lost", "warning_closed", "prevented"])


def mode_of(livemode: bool) -> Mode:  # noqa: FBT001 - Stripe's own word
    """The mode of an object."""
    return "live" if livemode else "test"


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
        session: the page it was made on, where it has not succeeded and there is one.

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
    return Truth(
        object_id=intent.id,
        facts=tuple(facts),
        open=tuple(opened),
        mode=mode_of(intent.livemode),
        is_tagged=True,
        tag=said.tag,
        attempt=said.attempt,
        in_time_s=DELAYED_S if said.is_delayed else SESSION_S,
        failed=failed,
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
        attempt=_attempt(metadata),
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
        self.attempt = _attempt(intent.metadata)

    @property
    def is_delayed(self) -> bool:
        method = self._charge.payment_method_details if self._charge else None
        return method is not None and method.type in _DELAYED_METHODS

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


def _attempt(metadata: dict[str, str]) -> str | None:
    attempt = metadata.get(ATTEMPT_KEY, "")
    return attempt if _ATTEMPT.fullmatch(attempt) else None


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
