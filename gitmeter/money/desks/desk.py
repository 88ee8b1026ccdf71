"""Which lines of one desk stand. Pure.

They are judged over the set of the desk's lines and in the order of its own numbers, never of a
time that it chooses:

- first as those of tills: by the earliest commit in which its place allows a line, and of several
  lines under one number one stands;
- a grant is held while less is left of what was paid than its template asks for;
- of several lines about one movement the one with the smallest number stands, but a reconciled line
  before one that is not; lines that buy the same period of a plan are one;
- what is left is summed up by number, with what waits; a line with which a sum passes its limit
  waits.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from gitmeter.counting.effects import confirmed_nano, movement
from gitmeter.counting.held import HeldReason
from gitmeter.money.desks.budgets import DeskSum, bounds_of
from gitmeter.money.desks.desk_place import desk_fault
from gitmeter.money.desks.paid import Paid
from gitmeter.money.desks.templates import grant_template
from gitmeter.money.plans.periods import terms_of
from gitmeter.money.writer import Stated, Worth, WriterGrounds, numbered
from wire_format.lines import Account, Money
from wire_format.writers import Writers


def worth_of_desk(
    lines: Iterable[Stated], grounds: WriterGrounds, paid: Paid
) -> dict[bytes, Worth]:
    """Judge all lines of one desk.

    Args:
        lines: each distinct line once.
        grounds: what they are judged by, besides each other.
        paid: what is left of the payments that allow a grant, once it is known which count.

    Returns:
        for each line what it is worth within its writer.
    """
    listed = list(lines)
    found = numbered(listed, grounds._replace(fault=desk_fault))
    standing: list[Stated] = []
    for stated in sorted(listed, key=lambda stated: _order(stated, found)):
        worth = found[stated.line]
        if worth.reason is None and not _is_paid(stated, worth, grounds.limits.writers, paid):
            found[stated.line] = worth._replace(reason=HeldReason.NOT_PAID)
        elif worth.reason is None:
            standing.append(stated)
    summed, same_period = _apart(standing, found)
    found.update(_within_bounds(summed, found, grounds))
    for line, first in same_period.items():
        found[line] = found[line]._replace(reason=found[first].reason)
    return found


def _order(stated: Stated, found: Mapping[bytes, Worth]) -> tuple[bool, int]:
    """Reconciled lines first, then by number."""
    return found[stated.line].covered_us is None, stated.record.seq


def _is_paid(stated: Stated, worth: Worth, writers: Writers, paid: Paid) -> bool:
    record = stated.record
    if not isinstance(record, Money) or record.kind != "grant":
        return True
    template = grant_template(record, worth.copy.spot.at_us, writers)
    if template is None or template.after_payment_nano is None:
        return True
    return paid(record) >= template.after_payment_nano


def _apart(
    standing: Iterable[Stated], found: dict[bytes, Worth]
) -> tuple[list[Stated], dict[bytes, bytes]]:
    """The lines that repeat none, and for others that buy the same period of a plan the first.

    Args:
        standing: in the order in which they take precedence.
        found: where other repeats are noted.
    """
    first_of: dict[object, Stated] = {}
    summed: list[Stated] = []
    same_period: dict[bytes, bytes] = {}
    for stated in standing:
        key = _subject(stated.record)
        first = stated if key is None else first_of.setdefault(key, stated)
        if first is stated:
            summed.append(stated)
        elif isinstance(stated.record, Account):
            same_period[stated.line] = first.line
        else:
            worth = found[stated.line]
            found[stated.line] = worth._replace(reason=HeldReason.SAME_MOVEMENT)
    return summed, same_period


def _subject(record: Money | Account) -> tuple[object, ...] | None:
    """What no two lines of a desk may each move money for; None where they may."""
    if isinstance(record, Money):
        return movement(record)
    if record.kind != "plan":
        return None
    return record.user, terms_of(record)


def _within_bounds(
    summed: Sequence[Stated], found: Mapping[bytes, Worth], grounds: WriterGrounds
) -> dict[bytes, Worth]:
    """What each line is worth, given the sums of those with smaller numbers."""
    sums: dict[DeskSum, int] = defaultdict(int)
    judged: dict[bytes, Worth] = {}
    for stated in sorted(summed, key=lambda stated: stated.record.seq):
        record, worth = stated.record, found[stated.line]
        moved_nano = confirmed_nano(record, grounds.per_unit)
        is_beyond = False
        for bound in bounds_of(record, worth.copy.spot.at_us, grounds.limits.writers):
            sums[bound.over] += moved_nano
            is_beyond = is_beyond or sums[bound.over] > bound.limit_nano
        reason = None
        if is_beyond and moved_nano and worth.covered_us is None:
            is_fee = isinstance(record, Account)
            reason = HeldReason.OVER_FEES if is_fee else HeldReason.OVER_BUDGET
        judged[stated.line] = worth._replace(reason=reason, moved_nano=moved_nano)
    return judged
