"""What is left of a payment; pure."""

from collections.abc import Iterable, Sequence

from gitmeter.counting.effects import TAKES
from providers.interface import Fact
from till.records.requests import RefundRequest
from wire_format.money import parse_nano


def left_nano(facts: Sequence[Fact], requests: Iterable[RefundRequest]) -> int:
    """What neither went back nor was asked back, in 1e-9 of the payment's currency.

    Args:
        facts: what the provider says of the payment.
        requests: what was asked back; the provider has those whose refund it states.
    """
    stated = {fact.external_ref for fact in facts if fact.kind == "refund"}
    left = sum((-1 if fact.kind in TAKES else 1) * parse_nano(fact.amount) for fact in facts)
    return left - sum(parse_nano(each.amount) for each in requests if each.refund not in stated)
