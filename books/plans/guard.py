"""What another plans.toml would change in hours that have begun. Pure.

What is included moves the cost of usage, so a version of a plan with meters begins no earlier than
the hour after the one in which it is committed, and stays as it is from then on: adopting plans
re-rates no past.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from wire_format.instants import format_hour, hour_of
from wire_format.plans import Plans, PlanVersion

_Metering = tuple[object, ...]


class _At(NamedTuple):
    """A plan from an hour on."""

    plan: str
    from_hour: int


def plan_faults_of_change(before: Plans, after: Plans, now: datetime) -> list[str]:
    """Why a change of plans.toml needs a reason; empty where it changes no hour that has begun.

    Words to services (`rpm`, `features`, `limits`, `beyond`) may change at any time, and so may
    whatever begins in the coming hour or later.

    Args:
        before: the plans at the newest commit.
        after: those of the change.
        now: when it is committed.

    Returns:
        a sentence for each plan and hour, with what to do, in the order of names and hours.
    """
    now_hour = hour_of(now)
    found = dict(_changed(before, after, now_hour)) | dict(_added(before, after, now_hour))
    return [found[at] for at in sorted(found)]


def _added(before: Plans, after: Plans, now_hour: int) -> Iterator[tuple[_At, str]]:
    stated = {(each.name, each.from_hour, _metering(each)) for each in before.versions}
    for version in after.versions:
        key = (version.name, version.from_hour, _metering(version))
        if version.meters and version.from_hour <= now_hour and key not in stated:
            said = (
                f"plan {version.name} from {format_hour(version.from_hour)}: has meters, so it must"
                f" begin at {format_hour(now_hour + 1)} or later: what was used before is billed"
                " by what was known then"
            )
            yield _At(version.name, version.from_hour), said


def _changed(before: Plans, after: Plans, now_hour: int) -> Iterator[tuple[_At, str]]:
    names = sorted({version.name for plans in (before, after) for version in plans.versions})
    for name in names:
        edges = sorted(
            {each.from_hour for plans in (before, after) for each in plans.versions_of(name)}
        )
        for hour in edges:
            one, other = before.version_at(name, hour), after.version_at(name, hour)
            if hour > now_hour or one is None or _metering(one) == _metering(other):
                continue
            said = (
                f"plan {name} from {format_hour(hour)}: has begun, and what it includes stays as"
                " it is: leave it, and state another version that begins at"
                f" {format_hour(now_hour + 1)} or later"
            )
            yield _At(name, hour), said


def _metering(version: PlanVersion | None) -> _Metering:
    """What of a version moves the cost of usage; empty where nothing does."""
    if version is None or not version.meters:
        return ()
    meters = tuple((each.name, each.match, each.included) for each in version.meters)
    return version.cycle_hours, version.fee_nano is None, version.is_default, meters
