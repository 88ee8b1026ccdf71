"""What is left of a payment; pure."""

from collections.abc import Iterable, Sequence

from providers.interface import Fact
from till.records.requests import RefundRequest
from wire_format.money import parse_nano

_SIGNS = {
    "payment": 1,
    "refund": -1,
    "dispute": -1,
    "refund_reversal": 1,
    "dispute_reversal": 1,
}


def left_nano(facts: Sequence[Fact], requests: Iterable[RefundRequest]) -> int:
    """What neither went back nor was asked back, in 1e-9 of the payment's currency.

    Args:
        facts: what the provider says of the payment.
        requests: what was asked back; the provider has those whose refund it states.
    """
    stated = {fact.external_ref for fact in facts if fact.kind == "refund"}
    left = sum(_SIGNS[fact.kind] * parse_nano(fact.amount) for fact in facts)
    return left - sum(parse_nano(each.amount) for each in requests if each.refund not in stated)
