"""Rules across several fields of one line, shared by the models and the hot decoder.

Each function returns what is wrong, for a person, or None. Models are no structs, but have the
attributes of the fields of their version. Lines of version 2 have rules of their own, which are
imported when there is one: nodes, which write usage alone, start without them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.fields import VERSION
from wire_format.lines import Account, Decision, Folder, Money, Usage

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
    *("repo", "tip", "of", "from_seq", "of_seq", "to_seq", "of_ts"),
    *("line_sha256", "incident", "subject", "refers_to"),
)
"""The fields of a decision that say what it is about; its kind determines which it has."""
_ABOUT: Final = tuple(name for name in DECISION_ABOUT if name != "from_seq")
"""Those of version 1."""


def usage_fault(line: Usage) -> str | None:
    """What is wrong across the fields of a usage line."""
    if line.corrects is None:
        if line.units < 0:
            return "units: may be negative only in a correction (`corrects`)"
        if line.reason is not None:
            return "reason: belongs to a correction (`corrects`)"
        return None
    if line.reason is None:
        return "reason: a correction must say why"
    if line.corrects >= line.seq:
        return "corrects: must name an earlier seq of this node"
    return None


def money_fault(line: Money) -> str | None:
    """What is wrong across the fields of a money line."""
    if line.v != VERSION:
        from wire_format.versions import agreement_2

        return agreement_2.money_fault(line)
    if (line.kind == "refund") != (line.refers_to is not None):
        return "refers_to: a refund, and only a refund, names the seq of its payment"
    if line.refers_to is not None and line.refers_to >= line.seq:
        return "refers_to: must name an earlier seq"
    if line.kind == "adjustment" and line.reason is None:
        return "reason: an adjustment must say why"
    if line.credited_usd is None and line.currency != CURRENCY_DEFAULT:
        return f"credited_usd: required when the currency is not {CURRENCY_DEFAULT}"
    amount, credited = line.amount, line.credited_usd
    is_adjustment = line.kind == "adjustment"
    if _is_zero(amount) or (amount[0] == "-" and not is_adjustment):
        return "amount: must be above zero (only an adjustment may be negative)"
    if credited is None:
        return None
    if _is_zero(credited) or (credited[0] == "-" and not is_adjustment):
        return "credited_usd: must be above zero (only an adjustment may be negative)"
    if (credited[0] == "-") != (amount[0] == "-"):
        return "credited_usd: must have the sign of the amount"
    return None


def _is_zero(amount: str) -> bool:
    return not amount.strip("-0.")


def decision_fault(line: Decision) -> str | None:
    """What is wrong across the fields of a decision line."""
    if line.v != VERSION:
        from wire_format.versions import agreement_2

        return agreement_2.decision_fault(line)
    required = _REQUIRED_IN[line.kind]
    stated = [name for name in _ABOUT if getattr(line, name) is not None]
    for name in _ABOUT:
        if name in required and name not in stated:
            return f"{name}: required in a decision of the kind {line.kind}"
        if name in stated and name not in (*required, *_OPTIONAL_IN.get(line.kind, ())):
            return f"{name}: does not belong to a decision of the kind {line.kind}"
    if "to_seq" in stated and "of_ts" in stated:
        return "of_ts: names one record, and to_seq a range; state only one of them"
    if line.to_seq is not None and line.of_seq is not None and line.to_seq < line.of_seq:
        return "to_seq: must not be below of_seq"
    if line.refers_to is not None and line.refers_to >= line.seq:
        return "refers_to: must name an earlier seq"
    return None


def account_fault(line: Account) -> str | None:
    """What is wrong across the fields of a line about an account."""
    from wire_format.versions import agreement_2

    return agreement_2.account_fault(line)


ACROSS_FIELDS: Final[Mapping[Folder, Callable[[Any], str | None]]] = {
    Folder.USAGE: usage_fault,
    Folder.PAYMENTS: money_fault,
    Folder.DECISIONS: decision_fault,
    Folder.ACCOUNTS: account_fault,
}
"""What is wrong across the fields of a line of each folder; of a model of it, too."""
