"""Whether a grant or an adjustment of a desk is what a template of the operator's allows. Pure.

A line names its template by how its reference begins, and the version in force at the time of its
commit is what it must be like.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from gitmeter.counting.held import HeldReason
from wire_format.instants import DAY_HOURS, hour_of
from wire_format.lines import Money
from wire_format.money import parse_nano
from wire_format.writers import AdjustTemplate, GrantTemplate, Writers


class _Template(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def from_us(self) -> int: ...


_AnyTemplate = TypeVar("_AnyTemplate", bound=_Template)


def template_fault(record: Money, committed_us: int, writers: Writers) -> HeldReason | None:
    """Why no template allows a line of a desk, or None where one does or none is needed.

    Args:
        record: the line.
        committed_us: the time of its commit, microseconds since 1970.
        writers: the templates.
    """
    if record.kind == "grant":
        granting = grant_template(record, committed_us, writers)
        is_like = granting is not None and _is_like(record, granting)
    elif record.kind == "adjustment":
        adjusting = adjust_template(record, committed_us, writers)
        is_like = adjusting is not None and _is_within(record, adjusting)
    else:
        return None
    return None if is_like else HeldReason.UNLIKE_TEMPLATE


def grant_template(record: Money, committed_us: int, writers: Writers) -> GrantTemplate | None:
    """The version of the template that a grant names; None where there is none."""
    return _named(record, committed_us, writers.grants)


def adjust_template(record: Money, committed_us: int, writers: Writers) -> AdjustTemplate | None:
    """The version of the template that an adjustment names; None where there is none."""
    return _named(record, committed_us, writers.adjusts)


def template_name(record: Money) -> str:
    """The name of the template that a line is about; empty where it names none."""
    name, colon, _ = (record.external_ref or "").partition(":")
    return name if colon else ""


def _named(
    record: Money, committed_us: int, versions: Iterable[_AnyTemplate]
) -> _AnyTemplate | None:
    name = template_name(record)
    begun = [each for each in versions if each.name == name and each.from_us <= committed_us]
    return max(begun, key=lambda each: each.from_us, default=None)


def _is_like(record: Money, template: GrantTemplate) -> bool:
    """Whether a grant is exactly what its template says, and a bonus only where it may be one."""
    from_hour = None if record.from_ is None else hour_of(record.from_)
    until_hour = None if record.until is None else hour_of(record.until)
    begun_hour = hour_of(record.ts)
    days = template.days
    return (
        record.external_ref == f"{template.name}:{record.user}"
        and parse_nano(record.amount) == template.usd_nano
        and record.category == template.category
        and record.priority == template.priority
        and record.scope == template.scope
        and from_hour == begun_hour
        and until_hour == (None if days is None else begun_hour + days * DAY_HOURS)
        and (record.of_ref is None or template.after_payment_nano is not None)
    )


def _is_within(record: Money, template: AdjustTemplate) -> bool:
    """Whether an adjustment has an id, and is no larger than its template allows."""
    has_id = record.external_ref != f"{template.name}:"
    return has_id and abs(parse_nano(record.amount)) <= template.per_line_nano
