"""Rules across several fields of one line of version 2, as `agreement` has those of version 1.

Each function returns what is wrong, for a person, or None. Models and explained lines are no
structs, but have the same attributes; an instant may be its text there.
"""

from collections.abc import Mapping
from typing import Any, Final

from wire_format.currencies import CURRENCY_DEFAULT, DECIMALS
from wire_format.fields import MANUAL
from wire_format.lines import Account, Decision, Money
from wire_format.money import parse_nano
from wire_format.versions.kinds import ACCOUNTS, DECISIONS, MONEY, SETTINGS, Checks

_OWN_KINDS: Final = frozenset({"grant", "adjustment"})
"""What the operator gives: no provider moves anything, and all of it is in dollars."""
_KEY_ID_DIGITS: Final = 16
_ABSENT: Final = (None, "")


def money_fault(line: Money) -> str | None:
    """What is wrong across the fields of a money line of version 2."""
    if (fault := _kind_fault(line, MONEY)) is not None:
        return fault
    if line.kind == "payment":
        fault = _payment_fault(line)
    elif line.kind in _OWN_KINDS:
        fault = _own_fault(line)
    elif line.status is not None and line.status != "succeeded":
        fault = "status: only a payment may be undecided"
    return fault or _amount_fault(line) or _terms_fault(line)


def _payment_fault(line: Money) -> str | None:
    is_counted = line.status == "succeeded"
    if is_counted and not line.user:
        return "user: required in a payment, unless it is undecided"
    if line.credited_usd is not None and not is_counted:
        return "credited_usd: does not belong to a payment that is undecided"
    if is_counted and line.credited_usd is None and line.currency != CURRENCY_DEFAULT:
        return f"credited_usd: required when the currency is not {CURRENCY_DEFAULT}"
    return None


def _own_fault(line: Money) -> str | None:
    if line.provider != MANUAL:
        return f"provider: must be {MANUAL!r} in a line of the kind {line.kind}"
    if line.currency != CURRENCY_DEFAULT:
        return f"currency: must be {CURRENCY_DEFAULT} in a line of the kind {line.kind}"
    if line.status != "succeeded":
        return "status: only a payment may be undecided"
    if (line.of_provider is None) != (line.of_ref is None):
        return "of_ref: names the payment of a bonus together with of_provider"
    return None


def _amount_fault(line: Money) -> str | None:
    if line.currency and line.currency not in DECIMALS:
        return "currency: must be a code of ISO 4217 such as USD"
    if line.credited_usd is not None and line.currency == CURRENCY_DEFAULT:
        return f"credited_usd: refused when the currency is {CURRENCY_DEFAULT}"
    for name, text in (("amount", line.amount), ("credited_usd", line.credited_usd)):
        value = parse_nano(text) if text else None
        if value == 0 or (value is not None and value < 0 and line.kind != "adjustment"):
            return f"{name}: must be above zero (only an adjustment may be negative)"
    return None


def account_fault(line: Account) -> str | None:
    """What is wrong across the fields of a line about an account."""
    if (fault := _kind_fault(line, ACCOUNTS)) is not None:
        return fault
    if line.kind == "setting" and all(getattr(line, name) is None for name in SETTINGS):
        return f"kind: a setting states at least one of {', '.join(SETTINGS)}"
    if (line.of_provider is None) != (line.of_ref is None):
        return "of_ref: names the payment of a consent together with of_provider"
    if line.sha256 is not None and line.key_id != line.sha256[:_KEY_ID_DIGITS]:
        return f"key_id: must be the first {_KEY_ID_DIGITS} digits of sha256"
    return _order_fault("scopes", line.scopes) or _until_fault(line)


def decision_fault(line: Decision) -> str | None:
    """What is wrong across the fields of a decision line of version 2."""
    if (fault := _kind_fault(line, DECISIONS)) is not None:
        return fault
    if line.from_seq is not None and line.to_seq is not None and line.to_seq < line.from_seq:
        return "to_seq: must not be below from_seq"
    return None


def _terms_fault(line: Money) -> str | None:
    return _order_fault("scope", line.scope) or _until_fault(line)


def _order_fault(name: str, texts: tuple[str, ...] | None) -> str | None:
    if texts is not None and list(texts) != sorted(set(texts)):
        return f"{name}: must be sorted, each entry once"
    return None


def _until_fault(line: Money | Account) -> str | None:
    # Both are full hours, whose texts have one length and one order with the instants.
    if line.from_ is not None and line.until is not None and line.until <= line.from_:
        return "until: must be later than from"
    return None


def _kind_fault(line: Any, kinds: Mapping[str, Checks]) -> str | None:  # noqa: ANN401 - a struct, or a model of one
    checks = kinds[line.kind]
    for name in checks.required:
        if getattr(line, name) in _ABSENT:
            return f"{_spelled(name)}: required in a line of the kind {line.kind}"
    for name in checks.refused:
        if getattr(line, name, None) not in _ABSENT:
            return f"{_spelled(name)}: does not belong to a line of the kind {line.kind}"
    return None


def _spelled(attribute: str) -> str:
    return attribute.removesuffix("_")
