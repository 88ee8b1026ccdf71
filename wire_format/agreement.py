"""Rules that tie several fields of one line together, shared by the models and the hot decoder.

Each function returns what is wrong, for a person, or None.
"""

from wire_format.money import parse_nano

CURRENCY_DEFAULT = "USD"


def usage_fault(*, seq: int, units: int, corrects: int | None, reason: str | None) -> str | None:
    """What is wrong between the fields of a usage line."""
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
    """What is wrong between the fields of a money line."""
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
