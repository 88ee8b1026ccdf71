"""What a simulated Stripe holds, and the books that it keeps of its own.

Nothing that its API answers is taken from these books.
"""

import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

from tests.support.providers.clock import Clock
from tests.support.providers.forms import Json
from tests.support.providers.worth import Worth

DISPUTE_FEE: Final = 1500
NO_DECIMALS: Final = {"jpy", "krw", "clp", "xaf", "xof", "rwf", "mga"}
THREE_DECIMALS: Final = {"kwd", "bhd", "jod", "omr", "tnd"}


_NOT_YET: Final[Json] = {
    "latest_charge": None,
    "last_payment_error": None,
    "cancellation_reason": None,
    "customer": None,
    "payment_method": None,
    "setup_future_usage": None,
    "next_action": None,
    "_params": {},
}
"""What an intent has not when it is made."""

_OF_THE_OWNER: Final = frozenset(
    ["authentication_required", "payment_intent_authentication_failure"]
)
"""Codes of a fault that say themselves what it is; the others are `card_declined`."""


class StripeRefusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that is answered with an error.

    Attributes:
        status: of HTTP.
        kind: of the error: `invalid_request_error`, `card_error`.
        code: the word.
        more: further fields of the error.
    """

    def __init__(
        self, status: int, message: str, kind: str, code: str | None = None, **more: object
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.code = code
        self.more = more


def invalid(message: str, code: str | None = None) -> StripeRefusal:
    """A request that makes no sense."""
    return StripeRefusal(400, message, "invalid_request_error", code)


class StripeObjects:
    """Everything in one account, of both modes.

    Args:
        clock: its own.
        on_event: called with type and object when something happened.

    Attributes:
        lock: around what reads and then writes.
        by_id: every object.
        settles_in: the currency of balance transactions and how much of it a unit is worth; None
            for the payment's own.
        has_funds: whether the balance suffices for a refund.
    """

    def __init__(self, clock: Clock, on_event: Callable[[str, Json], None]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.by_id: dict[str, Json] = {}
        self.settles_in: tuple[str, Fraction] | None = None
        self.has_funds = True
        self._on_event = on_event
        self._made = 0
        self._written: dict[str, Json] = {}

    # making objects

    def make(self, prefix: str, kind: str, *, is_live: bool, **fields: object) -> Json:
        """A new object of the current time."""
        self._made += 1
        made = {
            "id": f"{prefix}_3F{self._made:08d}",
            "object": kind,
            "created": self.clock.unix,
            "livemode": is_live,
            **fields,
        }
        if kind in {"refund", "balance_transaction"}:
            del made["livemode"]  # these two have none
            made["_livemode"] = is_live
        self.by_id[str(made["id"])] = made
        return made

    def of(self, kind: str) -> list[Json]:
        """All objects of a kind, newest first."""
        return [each for each in reversed(self.by_id.values()) if each["object"] == kind]

    def event(self, type_: str, about: Json) -> None:
        """Say that something happened."""
        self._on_event(type_, about)

    def _entry(self, source: Json, kind: str, amount: int, currency: str, fee: int = 0) -> Json:
        unit, rate = self.settles_in or (currency, Fraction(1))
        settled = round(amount * rate)
        return self.make(
            "txn",
            "balance_transaction",
            is_live=live_of(source),
            amount=settled,
            currency=unit,
            fee=fee,
            net=settled - fee,
            source=source["id"],
            type=kind,
            status="available",
        )

    # payments

    def make_intent(
        self, amount: int, currency: str, metadata: Json, *, is_live: bool, **fields: object
    ) -> Json:
        """A payment that nobody has paid."""
        intent = self.make(
            "pi",
            "payment_intent",
            is_live=is_live,
            amount=amount,
            amount_received=0,
            currency=currency,
            status="requires_payment_method",
            metadata=dict(metadata),
            **{**_NOT_YET, **fields},
        )
        self._written[intent["id"]] = dict(metadata)
        self.event("payment_intent.created", intent)
        return intent

    def charge(
        self, intent: Json, method: str, status: Literal["succeeded", "pending", "failed"]
    ) -> Json:
        """A try to take the money of a payment."""
        charge = self.make(
            "py" if status == "pending" else "ch",
            "charge",
            is_live=intent["livemode"],
            amount=intent["amount"],
            currency=intent["currency"],
            status=status,
            paid=status == "succeeded",
            payment_intent=intent["id"],
            payment_method_details={"type": method, method: {}},
            metadata=dict(intent["metadata"]),
        )
        intent["latest_charge"] = charge["id"]
        if status != "failed":  # a debit has an entry when it is submitted
            kind = "charge" if status == "succeeded" else "payment"
            self._entry(charge, kind, intent["amount"], intent["currency"])
        return charge

    def succeed(self, intent: Json) -> None:
        """The money is there."""
        charge = self.by_id[intent["latest_charge"]]
        charge["status"], charge["paid"] = "succeeded", True
        intent["status"] = "succeeded"
        intent["amount_received"] = intent["amount"]
        self.event("charge.succeeded", charge)
        self.event("payment_intent.succeeded", intent)

    def fail(self, intent: Json, code: str, *, was_submitted: bool) -> None:
        """The money did not come."""
        charge = self.by_id.get(intent["latest_charge"] or "")
        if charge is not None:  # a customer may fail before anything is charged
            charge["status"] = "failed"
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {
            "type": "card_error",
            "code": code if code in _OF_THE_OWNER else "card_declined",
            "decline_code": code,
        }
        if was_submitted and charge is not None:
            kind = "payment_failure_refund"
            self._entry(charge, kind, -intent["amount"], intent["currency"])
        self.event("payment_intent.payment_failed", intent)

    # refunds

    def refund(self, intent: Json, amount: int | None, status: str | None, metadata: Json) -> Json:
        """Give back; None is all that is left."""
        if intent["status"] != "succeeded":
            raise invalid("This PaymentIntent does not have a successful charge to refund.")
        left = intent["amount_received"] - self._refunded(intent["id"])
        given = left if amount is None else amount
        if given <= 0 or given > left:
            code = "charge_already_refunded" if left == 0 else None
            raise invalid(
                f"Refund amount ({given}) is greater than unrefunded amount ({left})", code
            )
        status = status or ("succeeded" if self.has_funds else "pending")
        charge = intent["latest_charge"]
        refund = self.make(
            "pyr" if charge.startswith("py_") else "re",
            "refund",
            is_live=intent["livemode"],
            amount=given,
            currency=intent["currency"],
            charge=charge,
            payment_intent=intent["id"],
            status=status,
            metadata=dict(metadata),
            balance_transaction=None,
            failure_balance_transaction=None,
            reason=None,
        )
        if status == "succeeded" or self.has_funds:
            self._book_refund(refund)
        self.event("refund.created", refund)
        self.event("charge.refunded", self.by_id[charge])
        return refund

    def _book_refund(self, refund: Json) -> None:
        entry = self._entry(refund, "refund", -refund["amount"], refund["currency"])
        refund["balance_transaction"] = entry["id"]

    def change_refund(self, refund: Json, status: str) -> None:
        """A refund goes on: `pending` to `succeeded`, `succeeded` to `failed`."""
        refund["status"] = status
        if status == "succeeded" and refund["balance_transaction"] is None:
            self._book_refund(refund)
        if status in {"failed", "canceled"} and refund["balance_transaction"] is not None:
            entry = self._entry(refund, "refund_failure", refund["amount"], refund["currency"])
            refund["failure_balance_transaction"] = entry["id"]
        self.event("refund.failed" if status == "failed" else "refund.updated", refund)

    def _refunded(self, payment: str) -> int:
        return sum(
            refund["amount"]
            for refund in self.of("refund")
            if refund["payment_intent"] == payment
            and refund["status"] not in {"failed", "canceled"}
        )

    # disputes

    def dispute(self, intent: Json, amount: int, status: str) -> Json:
        """A bank asks; no money has gone yet."""
        dispute = self.make(
            "du",
            "dispute",
            is_live=intent["livemode"],
            amount=amount,
            currency=intent["currency"],
            charge=intent["latest_charge"],
            payment_intent=intent["id"],
            status=status,
            reason="fraudulent",
            metadata={},
            balance_transactions=[],
        )
        self.event("charge.dispute.created", dispute)
        return dispute

    def move_disputed(self, dispute: Json, amount: int) -> None:
        """Money of a dispute goes (below zero) or comes back."""
        fee = DISPUTE_FEE if amount < 0 else 0
        entry = self._entry(dispute, "adjustment", amount, dispute["currency"], fee)
        dispute["balance_transactions"] = [*dispute["balance_transactions"], entry]
        word = "funds_withdrawn" if amount < 0 else "funds_reinstated"
        self.event(f"charge.dispute.{word}", dispute)

    # its own books

    def money(self) -> dict[str, Worth]:
        """What every payment is worth now, by its name."""
        with self.lock:
            return {
                intent["id"]: self._worth(intent)
                for intent in self.of("payment_intent")
                if intent["status"] == "succeeded"
            }

    def _worth(self, intent: Json) -> Worth:
        disputed = 0
        for dispute in self.of("dispute"):
            if dispute["payment_intent"] == intent["id"]:
                gone = [entry["amount"] < 0 for entry in dispute["balance_transactions"]]
                is_gone = gone.count(True) - gone.count(False)
                disputed += max(0, is_gone) * min(dispute["amount"], intent["amount_received"])
        taken = min(intent["amount_received"], self._refunded(intent["id"]) + disputed)
        currency = intent["currency"]
        return Worth(
            payment=intent["id"],
            tag=self._written[intent["id"]].get("gitmeter"),
            attempt=self._written[intent["id"]].get("gitmeter_attempt"),
            currency=currency.upper(),
            paid=in_units(intent["amount_received"], currency),
            taken=in_units(taken, currency),
            paid_at=self.by_id[intent["latest_charge"]]["created"],
            is_live=intent["livemode"],
        )


def in_units(minor: int, currency: str) -> Decimal:
    """A number of Stripe's in units of the currency."""
    places = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    return Decimal(minor).scaleb(-places)


def live_of(found: Json) -> bool:
    """Whether an object is of live mode; some do not say so themselves."""
    return bool(found.get("livemode", found.get("_livemode")))


def shown(found: Json) -> Json:
    """An object as it is told."""
    return {name: value for name, value in found.items() if not name.startswith("_")}
