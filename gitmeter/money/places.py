"""What its place lets a till or a desk state: the kinds of its role, within the operator's limits.

A line is judged by the limits in force at the time of its commit. What its place does not allow
claims nothing, and is in no sum. Pure.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from gitmeter.counting.effects import SILENT, credited_nano
from gitmeter.counting.held import HeldReason
from gitmeter.money.names import name_fault
from gitmeter.money.topups.attempts import is_automatic
from wire_format.fields import MANUAL, VERSION_2
from wire_format.instants import DAY_US, to_us
from wire_format.lines import Account, Money
from wire_format.money import parse_nano
from wire_format.writers import ConsentLimits, TillRules, Writers

_BACK_US_MAX: Final = {"till": 35 * DAY_US, "desk": DAY_US}
"""How far a line may lie before its commit: a provider tells late, a desk acts now. It bounds what
a thief may date back."""

_KINDS: Final = {
    "till": frozenset(
        {
            *("payment", "refund", "refund_reversal", "dispute", "dispute_reversal"),
            *("pending", "ended", "consent"),
        }
    ),
    "desk": frozenset(
        {
            *("grant", "void", "adjustment"),
            *("open", "suspend", "reopen", "plan", "setting", "key", "revoke"),
        }
    ),
}
CLAIMS_NOTHING: Final = frozenset(
    {
        *(HeldReason.AHEAD_OF_COMMIT, HeldReason.NOT_ALLOWED, HeldReason.EXCLUDED),
        *(HeldReason.WRONG_NAME, HeldReason.TEST_MODE),
        *(HeldReason.CUT_OFF, HeldReason.BACK_DATED, HeldReason.UNLIKE_TEMPLATE),
    }
)
"""The reasons for which a line is as if it were not there."""


class MoneyLimits(NamedTuple):
    """What lines of tills and desks are judged by, besides each other.

    Attributes:
        writers: what each may move, as the books state it.
        skew_us: how far a line may be ahead of its commit.
        tests_count: whether movements of a provider's test accounts count.
    """

    writers: Writers
    skew_us: int = 0
    tests_count: bool = False


PlaceFault = Callable[[Money | Account, str, int, MoneyLimits], HeldReason | None]
"""Why a line claims nothing in a commit: of the line, its repo's role, the commit's time, and what
it is judged by."""


def place_fault(
    record: Money | Account, role: str, committed_us: int, limits: MoneyLimits
) -> HeldReason | None:
    """Why a line of a till or desk claims nothing in a commit, or None when it may be there.

    Args:
        record: the line, well-formed.
        role: `till` or `desk`, of its repo.
        committed_us: the time of the commit, microseconds since 1970.
        limits: what it is judged by.
    """
    at_us = to_us(record.ts)
    if at_us > committed_us + limits.skew_us:
        return HeldReason.AHEAD_OF_COMMIT
    if record.v != VERSION_2 or record.kind not in _KINDS[role]:
        return HeldReason.NOT_ALLOWED
    if at_us < committed_us - _BACK_US_MAX[role]:
        return HeldReason.BACK_DATED
    if role == "desk":
        return _desk_fault(record, committed_us, limits)
    rules = limits.writers.till_at(record.node, committed_us)
    if rules is None or (rules.since_us is not None and at_us < rules.since_us):
        return HeldReason.NOT_ALLOWED
    if isinstance(record, Money):
        return _till_fault(record, rules, limits)
    is_consented = rules.topups is None and _may_be_consented(record, rules.consents)
    return None if is_consented else HeldReason.NOT_ALLOWED


def provider_fault(record: Money, limits: MoneyLimits) -> HeldReason | None:
    """Why a line of any writer claims nothing for the sake of its provider, or None."""
    account = limits.writers.providers.get(record.provider)
    if account is None:
        return None
    reference = record.external_ref
    if (
        record.v == VERSION_2
        and reference is not None
        and name_fault(account.kind, record.kind, reference, record.of_ref) is not None
    ):
        return HeldReason.WRONG_NAME
    if account.mode == "test" and not limits.tests_count:
        return HeldReason.TEST_MODE
    return None


def _till_fault(record: Money, rules: TillRules, limits: MoneyLimits) -> HeldReason | None:
    provider = record.provider
    if provider == MANUAL or provider not in rules.providers:
        return HeldReason.NOT_ALLOWED
    if provider not in limits.writers.providers:
        return HeldReason.NOT_ALLOWED  # of an unknown kind, so no name of its could be checked
    if record.kind == "payment" and credited_nano(record) > rules.payment_max_nano:
        return HeldReason.NOT_ALLOWED
    # what charges cards writes its attempts and nothing else, and nobody else writes any of them
    is_attempt = record.kind in SILENT and is_automatic(record.attempt)
    if is_attempt != (rules.topups is not None):
        return HeldReason.NOT_ALLOWED
    return None if record.kind in SILENT else provider_fault(record, limits)


def _may_be_consented(record: Account, limits: ConsentLimits | None) -> bool:
    """Whether a consent is within its limits; where there are any, it has to have one by month."""
    if limits is None:
        return True
    if record.amount_usd is None or record.month_usd is None:
        return False
    is_within = parse_nano(record.amount_usd) <= limits.amount_max_nano
    return is_within and parse_nano(record.month_usd) <= limits.month_max_nano


def _desk_fault(
    record: Money | Account, committed_us: int, limits: MoneyLimits
) -> HeldReason | None:
    if limits.writers.desk_at(record.node, committed_us) is None:
        return HeldReason.NOT_ALLOWED
    ids = (record.user, record.by or "", record.reason or "")
    # what is in git cannot be erased, so no address of e-mail gets there through a desk
    return HeldReason.NOT_ALLOWED if any("@" in text for text in ids) else None
