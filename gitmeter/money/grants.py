"""What grants with terms come to: what each is worth, and when it pays. Pure.

- A bonus is worth the share of its payment that is not taken back, rounded down, in all hours: also
  in those before it was taken back.
- A void ends a grant. The books may end any, from any hour on; a desk those that it recorded itself
  and that count, at the earliest from the hour in which the void was written. Of several voids the
  one that ends it first is in force.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Mapping
from typing import Final

from gitmeter.counting.effects import (
    Movement,
    bonus_payment_of,
    credited_nano,
    ended_grant_of,
    movement,
)
from gitmeter.money.granted import EVER_HOUR, Granted, Hours
from gitmeter.money.pool import Payment, payments_by_name
from gitmeter.money.rivals import Judged, MoneyState
from wire_format.fields import VERSION_2
from wire_format.instants import hour_of
from wire_format.lines import Money

_STATES: Final = frozenset({MoneyState.COUNTED, MoneyState.REPEATS})
"""What a line may be whose grant counts."""


def voids_of(lines: Collection[Judged], desks: Container[str]) -> dict[Money, int]:
    """The voids that count: those of a grant with terms that counts, and that their writer may end.

    Args:
        lines: all lines of money about the grants in question, voids among them.
        desks: the nodes that are desks; every other void is of the books.

    Returns:
        for each the clock hour since 1970 from which it ends its grant; that may be after its end.
    """
    recorded: dict[Movement, set[str]] = defaultdict(set)
    counting: set[Movement] = set()
    for line in lines:
        name = movement(line.record)
        if name is not None and _has_terms(line.record) and line.state in _STATES:
            recorded[name].add(line.record.node)
            if line.state is MoneyState.COUNTED:
                counting.add(name)
    found: dict[Money, int] = {}
    for line in lines:
        record = line.record
        of = ended_grant_of(record)
        if record.from_ is None or of not in counting:
            continue
        hour = hour_of(record.from_)
        if record.node not in desks:
            found[record] = hour
        elif record.node in recorded[of]:
            found[record] = max(hour, hour_of(record.ts))
    return found


def grants_of(
    lines: Collection[Judged], payments: Mapping[Money, Payment], voids: Mapping[Money, int]
) -> dict[str, list[Granted]]:
    """The grants with terms that count, of each user.

    Args:
        lines: all lines of money of the users in question.
        payments: those that count of which their grants may be a bonus, by their line.
        voids: those that count, each with the hour from which it ends its grant.

    Returns:
        for each user who has any, the grants in the order in which they pay.
    """
    by_name = payments_by_name(payments.values())
    void_hours = _void_hours(voids)
    found: dict[str, list[Granted]] = defaultdict(list)
    for line in lines:
        record = line.record
        if line.state is MoneyState.COUNTED and _has_terms(record):
            amount_nano = _worth_nano(record, by_name)
            void_hour = void_hours.get(movement(record))
            found[record.user].append(_granted(record, amount_nano, void_hour))
    for granted in found.values():
        granted.sort(key=lambda each: each.drawing_order)
    return dict(found)


def _has_terms(record: Money) -> bool:
    return record.kind == "grant" and record.v == VERSION_2


def _void_hours(voids: Mapping[Money, int]) -> dict[Movement | None, int]:
    """For each grant that a void ends the first hour from which one does."""
    found: dict[Movement | None, int] = {}
    for record, hour in voids.items():
        of = ended_grant_of(record)
        found[of] = min(hour, found.get(of, hour))
    return found


def _worth_nano(record: Money, payments: Mapping[Movement, Payment]) -> int:
    """What a grant is worth; as a bonus the share of its payment that is not taken back."""
    amount_nano = credited_nano(record)
    bonus_on = bonus_payment_of(record)
    if bonus_on is None:
        return amount_nano
    share = payments[bonus_on].left_share()
    return amount_nano * share.numerator // share.denominator


def _granted(record: Money, amount_nano: int, void_hour: int | None) -> Granted:
    """A grant that counts; a void from its end on takes nothing from it, and is none of it."""
    from_hour = 0 if record.from_ is None else hour_of(record.from_)
    until_hour = None if record.until is None else hour_of(record.until)
    end = EVER_HOUR if until_hour is None else until_hour
    if void_hour is not None and void_hour >= end:
        void_hour = None
    paying = Hours(from_hour, end if void_hour is None else void_hour)
    return Granted(
        record.provider,
        record.external_ref or "",
        amount_nano,
        record.category or "promotional",
        record.priority or 0,
        from_hour,
        until_hour,
        record.scope,
        (paying,) if paying.first < paying.end else (),
        void_hour,
    )
