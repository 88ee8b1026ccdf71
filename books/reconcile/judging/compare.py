"""Whether a line says what the provider says. Pure."""

from datetime import datetime
from typing import Final, NamedTuple

from books.reconcile.report import ReportedLine
from gitmeter.money.topups.attempts import is_automatic
from providers.expected import ExpectedLine, Remark, expected
from providers.interface import Truth
from providers.tag import Promise
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.instants import format_ts, to_us
from wire_format.money import InvalidAmountError, format_usd, parse_nano
from wire_format.writers import Fx, ProviderAccount

_REMARKS: Final = {
    Remark.NOT_OURS: "the payment has no tag of a till",
    Remark.FORGED: "the tag of the payment is not signed by a till of this account",
    Remark.TAG_USED: "the tag of the payment counts for another payment",
    Remark.NO_PROMISE: "no `pending` line of this attempt is known that one till alone wrote",
    Remark.OTHER_AMOUNT: "what was paid is not what was promised for",
    Remark.OUT_OF_TIME: "it was paid before it was promised, or too late after that",
}
CONTESTED: Final = (
    "`pending` lines of this attempt contradict each other, or another line has the number of the"
    " first: only the provider or the customer can say whose it is"
)


class Basis(NamedTuple):
    """What a line about a payment is compared with.

    Attributes:
        account: the account that the line names.
        truth: what the provider says; None where it has no such object.
        promise: of the till; None where there is none.
        payer: the user of the payment's own line; None where that is not known.
        is_tag_used: whether the tag counts for another payment.
        is_contested: whether there is no promise because lines contradict each other.
    """

    account: ProviderAccount
    truth: Truth | None
    promise: Promise | None
    payer: str | None
    is_tag_used: bool
    is_contested: bool


def why_not(line: ReportedLine, basis: Basis, fx: Fx) -> str | None:
    """Why a line does not agree with its provider, for a person; None if it does.

    Args:
        line: one that is a movement.
        basis: what it is compared with.
        fx: the rates of the rule book.
    """
    truth = basis.truth
    if truth is None:
        return f"{basis.account.name} has no such payment"
    if truth.mode != basis.account.mode:
        return f"it is a payment of {truth.mode} mode"
    # Of a refund the user is the payment's, whatever it states itself, so no line of the payment
    # has to be known here.
    payer = basis.payer if line.kind == "payment" else basis.payer or line.user
    found = expected(truth, basis.promise, payer=payer, is_tag_used=basis.is_tag_used)
    there = next(
        (
            each
            for each in found.lines
            if (each.kind, each.external_ref) == (line.kind, line.external_ref)
        ),
        None,
    )
    if there is None:
        return _absent(line, basis, truth, found.remark)
    if there.status != "succeeded":
        return _said(found.remark, basis) if found.remark else "nothing says what it is worth"
    if differing := _differing(line, there):
        return "; ".join(differing)
    return _beyond_rates(line, fx)


def _said(remark: Remark, basis: Basis) -> str:
    is_contested = remark is Remark.NO_PROMISE and basis.is_contested
    return CONTESTED if is_contested else _REMARKS[remark]


def _absent(line: ReportedLine, basis: Basis, truth: Truth, remark: Remark | None) -> str:
    is_there = any(
        (fact.kind, fact.external_ref) == (line.kind, line.external_ref) for fact in truth.facts
    )
    if is_there and remark is not None:
        return _said(remark, basis)
    if truth.open:
        return f"no such {line.kind} has moved money yet: {truth.open[0].what}"
    if truth.failed is not None and not truth.facts:
        return f"nothing was paid: {truth.failed}"
    return f"that payment has no such {line.kind}"


def _differing(line: ReportedLine, there: ExpectedLine) -> list[str]:
    """A sentence for each thing that a line states otherwise."""
    credited, promised = line.credited_usd, there.credited_usd
    pairs = {
        "of_ref": (line.of_ref, there.of_ref),
        "amount": (_number(line.amount), _number(there.amount)),
        "currency": (line.currency, there.currency),
        "user": (line.user or "", there.user),
        "credited_usd": (_number(credited), _number(promised)),
        "ts": (line.ts, there.at),
    }
    is_named = line.attempt and there.attempt
    if is_named or (line.kind == "payment" and is_automatic(line.attempt)):
        pairs["attempt"] = (line.attempt, there.attempt)
    return [
        f"{name}: {_shown(says)} here, {_shown(true)} there"
        for name, (says, true) in pairs.items()
        if says != true
    ]


def _number(text: str | None) -> int | None:
    """An amount in nano-units; None where there is none."""
    try:
        return None if text is None else parse_nano(text)
    except InvalidAmountError:
        return None


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return format_ts(value)
    return (
        format_usd(value) if isinstance(value, int) else "nothing" if value is None else str(value)
    )


def _beyond_rates(line: ReportedLine, fx: Fx) -> str | None:
    """Whether the credit is more than any rate of the last weeks gives."""
    amount_nano, credit_nano = _number(line.amount), _number(line.credited_usd)
    if line.kind != "payment" or line.currency in {None, CURRENCY_DEFAULT}:
        return None
    if amount_nano is None or credit_nano is None or line.currency is None:
        return "credited_usd: nothing here"
    most_nano = fx.credit_max_nano(amount_nano, line.currency, to_us(line.stated_at))
    if most_nano is None:
        return f"rules/fx.toml has no rate of {line.currency} for that time"
    if credit_nano > most_nano:
        return (
            f"credited_usd: {format_usd(credit_nano)} is more than {format_usd(most_nano)}, the"
            " most by rules/fx.toml"
        )
    return None
