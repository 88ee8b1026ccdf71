"""How providers name their movements: a movement has one name, or it would count twice. Pure."""

from typing import Final

from gitmeter.counting.effects import OF_A_PAYMENT

_STRIPE: Final[dict[str, tuple[str, ...]]] = {
    "payment": ("pi_",),
    "refund": ("re_", "pyr_"),
    "refund_reversal": ("re_", "pyr_"),
    "dispute": ("txn_",),
    "dispute_reversal": ("txn_",),
}
"""One payment has a Session, an intent, a charge and balance transactions; the intent names it. A
dispute is named by the entries that moved money, because one dispute may move it twice."""

_FORMS: Final = {"stripe": _STRIPE}
"""The forms by the kind of the provider; one that is not here has a single name for a movement."""


def prefixes(provider_kind: str, kind: str) -> tuple[str, ...]:
    """What a reference must begin with; nothing where any will do.

    Args:
        provider_kind: `stripe`, `clickpesa` or another.
        kind: of the line.
    """
    return _FORMS.get(provider_kind, {}).get(kind, ())


def name_fault(provider_kind: str, kind: str, external_ref: str, of_ref: str | None) -> str | None:
    """What is wrong with the references of a line, for a person; None if nothing is.

    Args:
        provider_kind: as above.
        kind: of the line.
        external_ref: the reference of the movement.
        of_ref: that of the payment which it is about.
    """
    forms = prefixes(provider_kind, kind)
    if forms and not external_ref.startswith(forms):
        return f"external_ref: a {kind} is named {' or '.join(forms)}..., not {external_ref}"
    of = prefixes(provider_kind, "payment")
    if kind in OF_A_PAYMENT and of and of_ref is not None and not of_ref.startswith(of):
        return f"of_ref: a payment is named {' or '.join(of)}..., not {of_ref}"
    return None
