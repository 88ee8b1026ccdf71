"""Plans: what a period costs, what it includes, and which plan follows on another.

The content of `rules/plans.toml`, for programs that know neither pydantic nor TOML. Times are clock
hours since 1970, amounts in nano-dollars. `from` is included, `until` is not.

Owns: this module, and which resources a glob matches (`globs`).
Does not own: the file (`wire_format.rule_files`), and which plan an account has
(`gitmeter.money.plans`).
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple

from wire_format.plans.globs import matches

CREDIT_PRIORITY_DEFAULT: Final = 50
NO_NEXT_PLAN: Final = "none"
"""What the setting `next_plan` says for no plan, so no plan has the name."""
UNLIMITED: Final = "unlimited"
"""What files and answers say of units and limits that have no end."""

_RESOURCES_CACHED: Final = 65_536


class PlanMeter(NamedTuple):
    """What a plan includes of some resources.

    Attributes:
        name: under which units are counted; an upgrade goes on with it.
        match: the resources, as globs, sorted.
        included: units of each cycle that cost nothing; None for unlimited.
        beyond: what services do when they are used up; money is the same either way.
    """

    name: str
    match: tuple[str, ...]
    included: int | None
    beyond: Literal["block", "bill"]


class PlanVersion(NamedTuple):
    """What a plan is from an hour on; for an account from its next cycle on.

    Attributes:
        name: of the plan.
        from_hour: when the version begins.
        cycle_hours: the length of a cycle; the same in all versions of a plan.
        fee_nano: what a cycle costs; None for a plan without a fee.
        credit_nano: what each cycle gives; 0 for nothing.
        credit_priority: of several grants the one with the smaller pays first.
        rpm: most requests in a minute; None where nothing is said.
        features: what services offer with it, in the order of the file.
        limits: what services allow with it, by name and sorted; None for unlimited.
        meters: what it includes, in the order of the file.
        is_default: whether accounts without another plan have it; the same in all versions.
        sold_by: roles of writers, besides the books, whose lines may settle it.
    """

    name: str
    from_hour: int
    cycle_hours: int
    fee_nano: int | None = None
    credit_nano: int = 0
    credit_priority: int = CREDIT_PRIORITY_DEFAULT
    rpm: int | None = None
    features: tuple[str, ...] = ()
    limits: tuple[tuple[str, int | None], ...] = ()
    meters: tuple[PlanMeter, ...] = ()
    is_default: bool = False
    sold_by: tuple[str, ...] = ()


class PlanMapEntry(NamedTuple):
    """Which plan follows on another when an account renews.

    Attributes:
        old, new: the plans.
        from_hour: it holds for the first renewal from then on.
        prices_until_hour: until when the fee is that of `old`; None for not at all.
    """

    old: str
    new: str
    from_hour: int
    prices_until_hour: int | None


@dataclass(frozen=True)
class Plans:
    """The content of plans.toml, in the order of the file."""

    versions: tuple[PlanVersion, ...] = ()
    plan_map: tuple[PlanMapEntry, ...] = ()

    def version_at(self, name: str, hour: int) -> PlanVersion | None:
        """What a plan is in a clock hour; None before its first version, and of no plan."""
        versions = self.versions_of(name)
        at = bisect_right(versions, hour, key=_from_hour)
        return versions[at - 1] if at else None

    def version_in_cycle(self, name: str, cycle_start: int) -> PlanVersion | None:
        """What a plan is in a cycle that begins in a clock hour; None of no plan.

        A cycle keeps the version that it began with. One that is counted from 1970 may have begun
        before the plan was there: it has the first version, in the hours from that on.
        """
        begun = self.version_at(name, cycle_start)
        return begun or next(iter(self.versions_of(name)), None)

    def default_at(self, hour: int) -> PlanVersion | None:
        """What the default plan is in a clock hour; None before its first version, or without."""
        return None if self.default is None else self.version_at(self.default, hour)

    @cached_property
    def default(self) -> str | None:
        """The plan of accounts without another; None where there is none."""
        return next((version.name for version in self.versions if version.is_default), None)

    def versions_of(self, name: str) -> Sequence[PlanVersion]:
        """All versions of a plan, ascending; empty of no plan."""
        return self._by_name.get(name, ())

    def meter_of(self, version: PlanVersion, resource: str) -> PlanMeter | None:
        """The first meter of a version of these that matches a resource, or None."""
        at = self._meter_at(version.name, version.from_hour, resource)
        return None if at is None else version.meters[at]

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[PlanVersion]]:
        found: dict[str, list[PlanVersion]] = {}
        for version in sorted(self.versions, key=_from_hour):
            found.setdefault(version.name, []).append(version)
        return found

    @cached_property
    def _meter_at(self) -> Callable[[str, int, str], int | None]:
        """The place of a meter; cached by name and hour, which is far less than a version."""
        stated = {(version.name, version.from_hour): version for version in self.versions}

        @lru_cache(_RESOURCES_CACHED)
        def found(name: str, from_hour: int, resource: str) -> int | None:
            meters = enumerate(stated[name, from_hour].meters)
            return next((at for at, meter in meters if matches(meter.match, resource)), None)

        return found


def _from_hour(version: PlanVersion) -> int:
    return version.from_hour


NO_PLANS: Final = Plans()
"""Without plans.toml."""
