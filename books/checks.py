"""Whether a movement of money would count, asked before it is written. Pure.

The answer is the aggregator's own: `gitmeter.money.rivals.judge` over the lines of the
books and the new one. The aggregator would hold what is refused here, or report it; it is better to
notice while the person who typed it can still change it.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from books.account_money import too_much
from books.errors import AlreadyRecordedError, MoneyError
from books.grants.lines import term_differences, terms_text
from books.known.money import KnownMoney
from gitmeter.counting.effects import credited_nano, movement
from gitmeter.money.pool import payments_of
from gitmeter.money.rivals import Contender, Judged, MoneyState, judge
from wire_format.fields import VERSION_2
from wire_format.instants import format_ts
from wire_format.lines import Money
from wire_format.money import parse_nano

_HINT: Final = "`books log` lists payments with their seq"
_DATED: Final = "state with --ts when"
_AGAIN: Final = {"grant": "state another --ref"}
_SIMILAR_LENGTH_MIN: Final = 4
"""Shorter names differ from many others in one letter."""


def payment_named(seq: int, user: str, known: KnownMoney) -> Money:
    """The payment that a refund of a user names.

    Raises:
        MoneyError: there is no such payment of that user, or it does not count.
    """
    named = [line for line in known.admitted if line.seq == seq]
    if not named:
        for record, reason, excluding in known.left_out:
            if record.seq == seq:
                by = "" if excluding is None else f": seq {excluding.seq}, {excluding.reason}"
                raise MoneyError(
                    f"seq {seq} is a {record.kind} that does not count: {reason.meaning}{by}",
                    hint=_HINT,
                )
        raise MoneyError(f"no line of these books has seq {seq}", hint=_HINT)
    # lines of different times may have a seq in common: books that were copied, and written on
    payment = min(
        named,
        key=lambda r: (r.kind != "payment", r.user != user, r.status != "succeeded", r.ts),
    )
    if payment.kind != "payment":
        raise MoneyError(f"seq {seq} is not a payment but a {payment.kind}", hint=_HINT)
    if payment.user != user:
        raise MoneyError(f"seq {seq} is a payment of {payment.user}, not of {user}")
    if payment.status != "succeeded":
        raise MoneyError(f"seq {seq} is a payment that is {payment.status}: it moved no money")
    return payment


def payment_referred(reference: str, provider: str | None, known: KnownMoney) -> int:
    """The seq of the payment that has a reference; whether it can be refunded is not asked.

    Args:
        reference: of the payment.
        provider: of the payment; None if that is not stated.
        known: the lines of the books that concern it.

    Raises:
        MoneyError: no payment has it, or payments of several providers do.
    """
    left_out = [record for record, _, _ in known.left_out]
    found = [
        record
        for record in [*known.admitted, *left_out]
        if (record.external_ref, record.kind) == (reference, "payment")
        and provider in {None, record.provider}
    ]
    if not found:
        raise MoneyError(f"no payment of these books has the reference {reference}", hint=_HINT)
    providers = {record.provider: record.seq for record in found}
    if len(providers) > 1:
        named = ", ".join(f"seq {seq} of {name}" for name, seq in sorted(providers.items()))
        raise MoneyError(
            f"payments of several providers have the reference {reference}: {named}",
            hint="state --payment with the seq of one of them",
        )
    counting = [record for record in known.admitted if record.status == "succeeded"]
    return next((record for record in found if record in counting), found[0]).seq


def refuse(line: Money, known: KnownMoney, *, is_new_movement: bool, is_dated: bool) -> None:
    """Refuse a line that would not count, that is there already, or that contradicts another.

    Args:
        line: the new line.
        known: the lines of the books that concern it.
        is_new_movement: the operator states that a reference which another provider has too is
            another movement.
        is_dated: whether its time was stated; else a line of another time may say the same.

    Raises:
        AlreadyRecordedError: the same is recorded already.
        MoneyError: it is refused for another reason.
    """
    if line.external_ref is not None:
        _refuse_repeated(line, known, is_dated=is_dated)
        _refuse_second(line, known.admitted, is_dated=is_dated)
    if line.status != "succeeded":
        return
    if not is_new_movement:
        _refuse_other_provider(line, known.admitted)
    if line.of_ref is not None:
        return
    judged = judge(map(Contender, [*known.admitted, line]))
    own = next(found for found in judged if found.record is line)
    if own.state is MoneyState.NO_PAYMENT:
        raise MoneyError(
            f"seq {line.refers_to} repeats a payment of another user, and does not count",
            hint=_HINT,
        )
    if own.payment is not None:
        _refuse_too_much(line, own.payment, judged)


def _refuse_repeated(line: Money, known: KnownMoney, *, is_dated: bool) -> None:
    """Refuse what was said already in the same words, whether it counts or was excluded."""

    def is_same(earlier: Money) -> bool:
        about = (movement(earlier), earlier.status)
        return about == (movement(line), line.status) and not _differences(
            line, earlier, is_dated=is_dated
        )

    for earlier in filter(is_same, known.admitted):
        raise AlreadyRecordedError(
            f"seq {earlier.seq} records {_named(earlier)} already: {_content(earlier)}",
            earlier,
            hint="nothing was recorded: of several the aggregator counts only the first",
        )
    for earlier, _, excluding in known.left_out:
        if excluding is not None and is_same(earlier):
            raise MoneyError(
                f"seq {earlier.seq} records {_named(earlier)} already, and was excluded by seq"
                f" {excluding.seq}: {excluding.reason}",
                hint=f"if it counts after all: `books decide withdraw {excluding.seq} --reason"
                f' "..."`; if it happened again, {_AGAIN.get(line.kind, _DATED)}',
            )


def _differences(line: Money, earlier: Money, *, is_dated: bool) -> list[str]:
    """What two lines about one movement do not say alike."""
    if line.kind == "grant" and VERSION_2 in {line.v, earlier.v}:
        return term_differences(line, earlier)
    is_alike = {
        "user": line.user == earlier.user,
        "amount": parse_nano(line.amount) == parse_nano(earlier.amount),
        "currency": line.currency == earlier.currency,
        "credited_usd": line.credited_usd == earlier.credited_usd
        or credited_nano(line) == credited_nano(earlier),
        "payment": (line.refers_to, line.of_ref) == (earlier.refers_to, earlier.of_ref),
        "reason": line.reason == earlier.reason,
        "ts": line.ts == earlier.ts or not is_dated,
    }
    return [name for name, alike in is_alike.items() if not alike]


def _named(line: Money) -> str:
    status = "" if line.status == "succeeded" else f" as {line.status}"
    return f"the {line.kind} {line.external_ref} of {line.provider}{status}"


def _content(line: Money) -> str:
    terms = f", {terms_text(line)}" if line.category is not None else ""
    return f"{line.amount} {line.currency}, {line.user}{terms}"


def _refuse_second(line: Money, admitted: Iterable[Money], *, is_dated: bool) -> None:
    """Refuse what contradicts a line that says that the movement succeeded."""
    earlier = _succeeded_alike(line, admitted)
    if earlier is None or line.status == "pending":
        return
    if line.status == "succeeded":
        differing = _differences(line, earlier, is_dated=is_dated)
        at = f", at {format_ts(earlier.ts)}" if "ts" in differing else ""
        raise MoneyError(
            f"seq {earlier.seq} records {_named(earlier)} already, with another"
            f" {', '.join(differing)}: {_content(earlier)}{at}",
            hint="nothing was recorded: another grant needs another --ref"
            if line.category is not None
            else "nothing was recorded: of several the aggregator counts only the first",
        )
    undo = f'`books decide exclude {earlier.node} {earlier.seq} --reason "..."`'
    back = f"`books refund {earlier.user} {earlier.amount} --payment {earlier.seq}`"
    raise MoneyError(
        f"seq {earlier.seq} says that {_named(earlier)} succeeded, so it cannot fail any more",
        hint=f"if the money went back: {back}; if it never came: {undo}"
        if earlier.kind == "payment"
        else f"if it fell through: {undo}",
    )


def _succeeded_alike(line: Money, admitted: Iterable[Money]) -> Money | None:
    key = movement(line)
    found = (r for r in admitted if r.status == "succeeded" and movement(r) == key)
    return min(found, key=lambda record: (record.ts, record.seq), default=None)


def _refuse_other_provider(line: Money, admitted: Iterable[Money]) -> None:
    if line.external_ref is None:
        return
    for known in admitted:
        if (known.external_ref, known.kind) == (line.external_ref, line.kind) and (
            known.provider != line.provider and known.status == "succeeded"
        ):
            raise MoneyError(
                f"seq {known.seq} has the reference {known.external_ref} too, as a {known.kind} of"
                f" {known.provider}: {known.amount} {known.currency}, {known.user}",
                hint=f"if it is the same one, state --provider {known.provider}; if it really is"
                " another one, repeat this with --new-movement",
            )


def _refuse_too_much(line: Money, payment: Money, judged: list[Judged]) -> None:
    """Refuse a refund with which a payment would give back more than it was."""
    earlier = [found for found in judged if found.record is not line]
    paid = payments_of(earlier).get(payment)
    before_nano = 0 if paid is None else paid.asked_nano()
    if payments_of(judged)[payment].beyond_nano():
        raise too_much(credited_nano(line), before_nano, credited_nano(payment), "USD")
    if line.currency == payment.currency:
        before_nano = sum(
            parse_nano(found.record.amount)
            for found in earlier
            if found.payment == payment and found.record.currency == line.currency
        )
        asked_nano, paid_nano = parse_nano(line.amount), parse_nano(payment.amount)
        if before_nano + asked_nano > paid_nano:
            raise too_much(asked_nano, before_nano, paid_nano, line.currency)


def similar_users(user: str, users: Iterable[str]) -> Iterator[str]:
    """The other names of `users` that differ from a name in case or in one letter."""
    for other in users:
        if other != user and (
            other.casefold() == user.casefold() or _is_one_letter_off(user, other)
        ):
            yield other


def _is_one_letter_off(one: str, other: str) -> bool:
    """Whether one letter was left out, added, replaced, or swapped with its neighbour.

    Digits are no letters here: accounts are often numbered, and their numbers are close.
    """
    shorter, longer = sorted((one, other), key=len)
    start = next(
        (at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b),
        len(shorter),
    )
    rest, others = shorter[start:], longer[start:]
    if not others[:1].isalpha() or len(shorter) < _SIMILAR_LENGTH_MIN:
        return False
    if len(longer) != len(shorter):
        return rest == others[1:]
    is_swapped = rest[:2] == others[1::-1] and rest[2:] == others[2:]
    return is_swapped or (rest[:1].isalpha() and rest[1:] == others[1:])
