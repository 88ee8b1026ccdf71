"""Attempts for a person: what became of each, and why."""

from collections.abc import Iterator
from typing import NamedTuple

from till.records.attempts import AttemptShown
from wire_format.instants import format_ts, from_us


class AttemptView(NamedTuple):
    """An attempt, as `till attempts` prints it.

    Attributes:
        user: whose card it is.
        account: the account at a provider.
        attempt: its name.
        usd: what is charged.
        began_at: when.
        state: `open`, `waits for the customer`, `being given up`, `paid` or `ended`.
        reason: why it ended otherwise than paid, or is being given up; empty where not known here.
        payment: the provider's name of the charge; empty without one.
        ended_at: when it ended or was seen to be paid; empty while it is open.
    """

    user: str
    account: str
    attempt: str
    usd: str
    began_at: str
    state: str
    reason: str
    payment: str
    ended_at: str


def views(attempts: list[AttemptShown]) -> Iterator[AttemptView]:
    """Attempts in the words of `till attempts`."""
    for each in attempts:
        yield AttemptView(
            user=each.user,
            account=each.key.provider,
            attempt=each.key.attempt,
            usd=each.amount,
            began_at=format_ts(from_us(each.began_us)),
            state=state_of(each),
            reason=each.reason,
            payment=each.payment or "",
            ended_at="" if each.ended_us is None else format_ts(from_us(each.ended_us)),
        )


def state_of(attempt: AttemptShown) -> str:
    """How far an attempt is, in words."""
    if attempt.is_paid:
        return "paid"
    if attempt.ended_us is not None:
        return "ended"
    if attempt.reason:
        return "being given up"
    return "open" if attempt.asked_us is None else "waits for the customer"
