"""Rules that tie several fields of one line together, shared by the models and the hot decoder.

Each function returns what is wrong, for a person, or None.
"""

from collections.abc import Collection
from typing import Final

from wire_format.money import parse_nano

CURRENCY_DEFAULT = "USD"

_REQUIRED_IN: Final[dict[str, tuple[str, ...]]] = {
    "accept_tip": ("repo", "tip"),
    "exclude": ("of", "of_seq"),
    "choose": ("of", "of_seq", "of_ts", "line_sha256"),
    "acknowledge": ("repo", "incident", "subject"),
    "withdraw": ("refers_to",),
}
_OPTIONAL_IN: Final[dict[str, tuple[str, ...]]] = {
    "exclude": ("to_seq", "of_ts"),
}
DECISION_ABOUT: Final = (
    *("repo", "tip", "of", "of_seq", "to_seq", "of_ts"),
    *("line_sha256", "incident", "subject", "refers_to"),
)
"""The fields of a decision that say what it is about; its kind determines which it has."""


def usage_fault(*, seq: int, units: int, corrects: int | None, reason: str | None) -> str | None:
    """What is wrong across the fields of a usage line."""
    if corrects is None:
        if units < 0:
            return "units: may be negative only in a correction (`corrects`)"
        if reason is not None:
            return "reason: belongs to a correction (`corrects`)"
        return None
    if reason is None:
        return "reason: a correction must say why"
    if corrects >= seq:
        return "corrects: must name an earlier seq of this node"
    return None


def money_fault(
    *,
    kind: str,
    seq: int,
    refers_to: int | None,
    amount: str,
    currency: str,
    credited_usd: str | None,
    reason: str | None,
) -> str | None:
    """What is wrong across the fields of a money line."""
    if (kind == "refund") != (refers_to is not None):
        return "refers_to: a refund, and only a refund, names the seq of its payment"
    if refers_to is not None and refers_to >= seq:
        return "refers_to: must name an earlier seq"
    if kind == "adjustment" and reason is None:
        return "reason: an adjustment must say why"
    if credited_usd is None and currency != CURRENCY_DEFAULT:
        return f"credited_usd: required when the currency is not {CURRENCY_DEFAULT}"
    for name, text in (("amount", amount), ("credited_usd", credited_usd)):
        if text is None:
            continue
        value = parse_nano(text)
        if value == 0 or (value < 0 and kind != "adjustment"):
            return f"{name}: must be above zero (only an adjustment may be negative)"
    if credited_usd is not None and (parse_nano(credited_usd) < 0) != (parse_nano(amount) < 0):
        return "credited_usd: must have the sign of the amount"
    return None


def decision_fault(
    *,
    kind: str,
    seq: int,
    stated: Collection[str],
    of_seq: int | None,
    to_seq: int | None,
    refers_to: int | None,
) -> str | None:
    """What is wrong across the fields of a decision line.

    Args:
        kind: the kind of decision.
        seq: its own number.
        stated: which of `DECISION_ABOUT` the line has.
        of_seq: the first number it is about.
        to_seq: the last one.
        refers_to: the number of the decision it withdraws.
    """
    required = _REQUIRED_IN[kind]
    for name in DECISION_ABOUT:
        if name in required and name not in stated:
            return f"{name}: required in a decision of the kind {kind}"
        if name in stated and name not in (*required, *_OPTIONAL_IN.get(kind, ())):
            return f"{name}: does not belong to a decision of the kind {kind}"
    if "to_seq" in stated and "of_ts" in stated:
        return "of_ts: names one record, and to_seq a range; state only one of them"
    if to_seq is not None and of_seq is not None and to_seq < of_seq:
        return "to_seq: must not be below of_seq"
    if refers_to is not None and refers_to >= seq:
        return "refers_to: must name an earlier seq"
    return None
