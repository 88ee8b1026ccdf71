"""Movements of prepaid balances: from what an operator enters to a line on disk.

Every line is decoded by the wire format's own reader before it is recorded, so none leaves the
books that the aggregator would reject.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from books.forms import malformed
from gitmeter.support.errors import GitmeterError
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.outcomes import Recorded, Refusal
from wire_format import fields
from wire_format.agreement import CURRENCY_DEFAULT
from wire_format.field_types import MoneyKind, Provider, Status
from wire_format.lines import Folder, Money

_PATTERNS: Final = {
    "user": fields.USER_PATTERN,
    "amount": fields.AMOUNT_PATTERN,
    "credited_usd": fields.AMOUNT_PATTERN,
    "currency": fields.CURRENCY_PATTERN,
    "external_ref": fields.REFERENCE_PATTERN,
    "reason": fields.REASON_PATTERN,
}
"""The forms of fields that a person enters."""


class MoneyError(GitmeterError):
    """A movement of money breaks a rule; nothing was recorded."""


@dataclass(frozen=True)
class Movement:
    """One movement of a user's balance; fields as in `wire_format.lines.Money`.

    Attributes:
        kind: `payment`, `grant`, `refund` or `adjustment`.
        user: the account that the balance is of.
        amount: in `currency`, as text.
        provider: who moved the money.
        external_ref: the provider's own reference.
        refers_to: for a refund the seq of its payment.
        currency: ISO 4217 code.
        credited_usd: what is added to the balance (a refund: taken off), if the currency is not
            USD.
        status: only `succeeded` moves money.
        reason: why.
        ts: when; now if None.
    """

    kind: MoneyKind
    user: str
    amount: str
    provider: Provider = "manual"
    external_ref: str | None = None
    refers_to: int | None = None
    currency: str = CURRENCY_DEFAULT
    credited_usd: str | None = None
    status: Status = "succeeded"
    reason: str | None = None
    ts: datetime | None = None


def record(spool: Spool, movement: Movement) -> Recorded:
    """Record a movement as a line of the books.

    Raises:
        MoneyError: it breaks a rule of the wire format, or is in the future.
        SpoolError: it could not be written; nothing was recorded.
    """
    now = spool.now()
    if movement.ts is not None and movement.ts > now:
        raise MoneyError("ts: lies in the future; the books record what has happened")
    if wrong := malformed(movement, _PATTERNS):
        raise MoneyError("; ".join(wrong))
    outcome = spool.append(Folder.PAYMENTS, [_line(spool.node, movement, movement.ts or now)])[0]
    if isinstance(outcome, Refusal):
        raise MoneyError(outcome.reason)
    return outcome


def _line(node: str, movement: Movement, ts: datetime) -> Money:
    return Money(
        v=fields.VERSION,
        node=node,
        seq=UNNUMBERED,
        ts=ts,
        user=movement.user,
        kind=movement.kind,
        provider=movement.provider,
        external_ref=movement.external_ref,
        refers_to=movement.refers_to,
        amount=movement.amount,
        currency=movement.currency,
        credited_usd=movement.credited_usd,
        status=movement.status,
        reason=movement.reason,
    )
