"""Movements of prepaid balances: from what an operator enters to a line on disk.

Every line is decoded by the wire format's own reader before it is recorded, so none leaves the
books that the aggregator would reject.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from books.account_money import account_of, refuse_till_s, refuse_wrong_line
from books.checks import payment_named, payment_referred, refuse, similar_users
from books.earlier_lines import bring_here
from books.errors import MoneyError
from books.forms import malformed
from books.grants.lines import references_of, with_terms
from books.grants.terms import TERMS, Terms, read_terms
from books.known.money import KnownMoney, MoneyIndex, read_money
from books.writers import read_writers
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED, draft_lines, line_head, parse_instant
from node_pusher.spool.outcomes import Refusal
from wire_format import fields
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.field_types import MoneyKind, Status
from wire_format.lines import Folder, Money
from wire_format.writers import Writers

_PATTERNS: Final = {
    "user": fields.USER_PATTERN,
    "amount": fields.AMOUNT_PATTERN,
    "credited_usd": fields.AMOUNT_PATTERN,
    "currency": fields.CURRENCY_PATTERN,
    "external_ref": fields.REFERENCE_PATTERN,
    "payment_ref": fields.REFERENCE_PATTERN,
    "reason": fields.REASON_PATTERN,
    "by": fields.BY_PATTERN,
}
"""The forms of fields that a person enters."""


@dataclass(frozen=True)
class Movement:
    """One movement of a user's balance; fields as in `wire_format.lines.Money`.

    Attributes:
        kind: `payment`, `grant`, `refund` or `adjustment`.
        user: the account that the balance is of.
        amount: in `currency`, as text.
        provider: who moved the money; None for that of the refunded payment, or `manual`.
        external_ref: the provider's own reference.
        refers_to: for a refund the seq of its payment.
        payment_ref: the reference of that payment, in place of its seq.
        currency: ISO 4217 code; None for that of the refunded payment, or USD.
        credited_usd: what is added to the balance (a refund: taken off), if the currency is not
            USD.
        status: only `succeeded` moves money.
        reason: why.
        ts: when; now if None.
        by: who entered it, which its commit says; None if that is not known.
        is_new_movement: it is another movement than that of another provider with the same
            reference.
        is_by_hand: it is recorded here although a till records what moves at the provider.
        terms: of a grant that lies beside the pool; None for one in the pool, and other movements.
    """

    kind: MoneyKind
    user: str
    amount: str
    provider: str | None = None
    external_ref: str | None = None
    refers_to: int | None = None
    payment_ref: str | None = None
    currency: str | None = None
    credited_usd: str | None = None
    status: Status = "succeeded"
    reason: str | None = None
    ts: datetime | None = None
    by: str | None = None
    is_new_movement: bool = False
    is_by_hand: bool = False
    terms: Terms | None = None


class RecordedMovement(NamedTuple):
    """A movement on disk.

    Attributes:
        line: the line, with its `seq`.
        is_new_user: whether no line of these books named its user before.
        similar_users: then users of these books whose names differ in case or in one letter.
    """

    line: Money
    is_new_user: bool
    similar_users: tuple[str, ...]


def movement_of(kind: MoneyKind, stated: Mapping[str, Any]) -> Movement:
    """The movement that somebody states.

    Args:
        kind: of it.
        stated: the attributes of `Movement` as they were typed: `ts` as text, `currency` in any
            case, and of a grant its terms one by one (`books.grants.terms.TERMS`); None counts as
            not stated.

    Raises:
        MoneyError: `ts` is no instant, a term has a wrong form, or nobody is named as who enters
            it.
    """
    if not stated.get("by"):
        raise MoneyError("by: no name is given", hint="state with --by who enters it")
    values = {name: value for name, value in stated.items() if value is not None}
    if kind == "grant":
        values["terms"] = read_terms(stated)
        for name in set(TERMS) - {"external_ref"}:
            values.pop(name, None)
    if "ts" in values:
        ts = parse_instant(values["ts"])
        if isinstance(ts, Refusal):
            raise MoneyError(ts.reason)
        values["ts"] = ts
    if "currency" in values:
        values["currency"] = values["currency"].upper()
    return Movement(kind=kind, **values)


def record(spool: Spool, movement: Movement) -> RecordedMovement:
    """Record a movement as a line of the books, unless it would not count.

    Args:
        spool: of the books.
        movement: what happened.

    Raises:
        MoneyError: it breaks a rule of the wire format, is in the future, would not count, or
            contradicts or repeats what is recorded.
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the books were joined without file contents, and the remote does not provide
            them.
        SpoolError: it could not be written; nothing was recorded.
    """
    now = spool.now()
    refuse_malformed(movement, now)
    home = reread(spool.home)
    writers = read_writers(home)
    bring_here(home)  # outside the transaction, because a remote may take long
    with spool.store.exclusive():  # of two at once, the second one knows of the first
        index = read_money(home, spool)
        is_new = not index.has_user(movement.user)
        line = enter(spool, movement, index, writers, now)
    similar = tuple(sorted(similar_users(line.user, index.users()))) if is_new else ()
    return RecordedMovement(line, is_new, similar)


def refuse_malformed(movement: Movement, now: datetime) -> None:
    """Refuse a movement for which no other line has to be looked at.

    Raises:
        MoneyError: it lies in the future, or a field has a wrong form.
    """
    if movement.ts is not None and movement.ts > now:
        raise MoneyError("ts: lies in the future; the books record what has happened")
    if movement.refers_to is not None and movement.payment_ref is not None:
        raise MoneyError("payment_ref: names the payment in place of its seq; state one of them")
    if wrong := malformed(movement, _PATTERNS):
        raise MoneyError("; ".join(wrong))


def enter(
    spool: Spool, movement: Movement, index: MoneyIndex, writers: Writers, now: datetime
) -> Money:
    """Record a well-formed movement beside the lines of the books, and add it to them.

    Args:
        spool: of the books, in a transaction of the caller's.
        movement: what happened.
        index: all lines of the books.
        writers: who else writes about money.
        now: the time of a movement that states none.

    Returns:
        the line, with its `seq`.

    Raises:
        MoneyError: it breaks a rule of the wire format, would not count, or contradicts or repeats
            what is recorded.
        SpoolError: it could not be written.
    """
    ts = movement.ts or now
    references = (movement.external_ref, movement.payment_ref)
    if movement.terms is not None:
        references = references_of(movement.user, references[0], movement.terms, ts)
        movement = replace(movement, external_ref=references[0])
    known = index.concerning(references, movement.refers_to)
    line = _line(spool.node, movement, known, writers, ts)
    draft = draft_lines([line], spool.node, Folder.PAYMENTS)[0]
    if isinstance(draft, Refusal):
        raise MoneyError(draft.reason)
    refuse(
        line,
        known,
        is_new_movement=movement.is_new_movement,
        is_dated=movement.ts is not None,
    )
    outcome = spool.append_drafts(Folder.PAYMENTS, [draft], by=movement.by or "")[0]
    if isinstance(outcome, Refusal):
        raise MoneyError(outcome.reason)
    index.add(line_head(spool.node, draft.v) + b"%d" % outcome.seq + draft.rest)
    return msgspec.structs.replace(line, seq=outcome.seq)


def _line(
    node: str, movement: Movement, known: KnownMoney, writers: Writers, ts: datetime
) -> Money:
    """The line of a movement; a refund has provider and currency of its payment by default."""
    payment = _refunded(movement, known, writers)
    by_default = ("manual", CURRENCY_DEFAULT)
    if payment is not None:
        by_default = (payment.provider, payment.currency)
    provider = movement.provider or by_default[0]
    account = account_of(provider, writers)
    refuse_till_s(provider, writers, is_by_hand=movement.is_by_hand)
    refunded: dict[str, Any] = {}
    if movement.kind == "refund":
        refunded = {"refers_to": None if payment is None else payment.seq}
        if account is not None:
            own = None if payment is None else payment.external_ref
            refunded = {"of_ref": movement.payment_ref or own}
    line = Money(
        v=1 if account is None else 2,
        node=node,
        seq=UNNUMBERED,
        ts=ts,
        user=movement.user,
        kind=movement.kind,
        provider=provider,
        external_ref=movement.external_ref,
        amount=movement.amount,
        currency=movement.currency or by_default[1],
        credited_usd=movement.credited_usd,
        status=movement.status,
        reason=movement.reason,
        **refunded,
    )
    if movement.terms is not None:
        return with_terms(line, movement.terms, known, writers)
    if account is not None:
        refuse_wrong_line(line, account, known.admitted)
    return line


def _refunded(movement: Movement, known: KnownMoney, writers: Writers) -> Money | None:
    """The payment that a refund names; None where a till may have recorded it."""
    refers_to = movement.refers_to
    if movement.payment_ref is not None:
        if movement.provider is not None and movement.provider in writers.providers:
            return None
        refers_to = payment_referred(movement.payment_ref, movement.provider, known)
    return None if refers_to is None else payment_named(refers_to, movement.user, known)
