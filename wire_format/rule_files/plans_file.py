"""`rules/plans.toml`: what plans cost and include, and which plan follows on another."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from wire_format import fields
from wire_format.instants import format_hour, format_ts, hour_of
from wire_format.money import parse_nano
from wire_format.plans import (
    CREDIT_PRIORITY_DEFAULT,
    NO_NEXT_PLAN,
    NO_PLANS,
    UNLIMITED,
    PlanMapEntry,
    PlanMeter,
    Plans,
    PlanVersion,
)
from wire_format.plans.globs import may_meet
from wire_format.rule_files.loading import (
    Hour,
    Name,
    Rule,
    RuleBookError,
    UsdAboveZero,
    is_of,
    load,
    refuse_twins,
    repeated,
)

PLANS_PATH: Final = "rules/plans.toml"

_VERSIONS_MAX: Final = 512
_METERS_MAX: Final = 64
"""Of one plan; all plans together may have twice as many names."""
_ENTRIES_MAX: Final = 64
_CYCLE_HOURS_MAX: Final = 87_600


def _units(value: object) -> int | None:
    if value == UNLIMITED:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= fields.INT_MAX:
        return value
    raise ValueError(f'must be a whole number from 0 to {fields.INT_MAX}, or "{UNLIMITED}"')


def _of_a_plan(name: str) -> str:
    if name == NO_NEXT_PLAN:
        raise ValueError(f"{NO_NEXT_PLAN} is no name of a plan: a setting says it for no plan")
    return name


def _each_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(texts)) < len(texts):
        raise ValueError("must have each entry once")
    return texts


def _at_least_one(texts: tuple[str, ...]) -> tuple[str, ...]:
    # pydantic's own least length would say the same of a list whose only entry is malformed
    if not texts:
        raise ValueError("must have 1 or more entries")
    return texts


_PlanName = Annotated[Name, AfterValidator(_of_a_plan)]
_Units = Annotated[int | None, BeforeValidator(_units)]
_Globs = Annotated[
    tuple[Annotated[str, is_of(fields.GLOB_PATTERN)], ...],
    Field(max_length=fields.SCOPE_MAX, strict=False),
    AfterValidator(_at_least_one),
    AfterValidator(_each_once),
]


class _MeterTable(Rule):
    name: Name
    match: _Globs
    included: _Units
    beyond: Literal["block", "bill"]

    @property
    def rules(self) -> PlanMeter:
        return PlanMeter(self.name, tuple(sorted(self.match)), self.included, self.beyond)


class _PlanTable(Rule):
    name: _PlanName
    from_: Hour = Field(alias="from")
    cycle_hours: int = Field(ge=1, le=_CYCLE_HOURS_MAX)
    fee_usd: UsdAboveZero | None = None
    credit_usd: UsdAboveZero | None = None
    credit_priority: int = Field(default=CREDIT_PRIORITY_DEFAULT, ge=0, le=fields.PRIORITY_MAX)
    rpm: int | None = Field(default=None, ge=1, le=fields.INT_MAX)
    features: Annotated[
        tuple[Name, ...],
        Field(max_length=_ENTRIES_MAX, strict=False),
        AfterValidator(_each_once),
    ] = ()
    limits: dict[Name, _Units] = Field(default_factory=dict, max_length=_ENTRIES_MAX)
    default: bool = False
    sold_by: Annotated[tuple[Literal["desk"], ...], Field(max_length=1, strict=False)] = ()
    meter: Annotated[tuple[_MeterTable, ...], Field(max_length=_METERS_MAX, strict=False)] = ()

    @model_validator(mode="after")
    def _gives_nothing_for_nothing(self) -> Self:
        if self.fee_usd is None and self.credit_usd is not None:
            raise ValueError("credit_usd: a plan without a fee has no credit")
        if self.fee_usd is not None and self.default:
            raise ValueError("default: the default plan has no fee")
        return self

    @model_validator(mode="after")
    def _meters_have_names_of_their_own(self) -> Self:
        twins = repeated(meter.name for meter in self.meter)
        if twins:
            raise ValueError(f"meter: stated more than once: {', '.join(twins)}")
        return self

    @property
    def rules(self) -> PlanVersion:
        return PlanVersion(
            name=self.name,
            from_hour=hour_of(self.from_),
            cycle_hours=self.cycle_hours,
            fee_nano=None if self.fee_usd is None else parse_nano(self.fee_usd),
            credit_nano=0 if self.credit_usd is None else parse_nano(self.credit_usd),
            credit_priority=self.credit_priority,
            rpm=self.rpm,
            features=self.features,
            limits=tuple(sorted(self.limits.items())),
            meters=tuple(meter.rules for meter in self.meter),
            is_default=self.default,
            sold_by=self.sold_by,
        )


class _PlanMapTable(Rule):
    old: _PlanName
    new: _PlanName
    from_: Hour = Field(alias="from")
    prices_until: Hour | None = None

    @model_validator(mode="after")
    def _leads_elsewhere(self) -> Self:
        if self.old == self.new:
            raise ValueError("new must be another plan than old")
        if self.prices_until is not None and self.prices_until <= self.from_:
            raise ValueError("prices_until must be later than from")
        return self

    @property
    def rules(self) -> PlanMapEntry:
        until_hour = None if self.prices_until is None else hour_of(self.prices_until)
        return PlanMapEntry(self.old, self.new, hour_of(self.from_), until_hour)


class _PlansFile(Rule):
    plan: Annotated[tuple[_PlanTable, ...], Field(max_length=_VERSIONS_MAX, strict=False)] = ()
    plan_map: Annotated[
        tuple[_PlanMapTable, ...], Field(max_length=_VERSIONS_MAX, strict=False)
    ] = ()


def parse_plans(text: bytes | None) -> Plans:
    """Read plans.toml; None is an absent file.

    A file need not have a default plan: an account without another has none then.

    Raises:
        RuleBookError: with every fault.
    """
    if not text:
        return NO_PLANS
    file = load(PLANS_PATH, text, _PlansFile)
    refuse_twins(PLANS_PATH, text, _table_names(file))
    plans = Plans(
        tuple(plan.rules for plan in file.plan), tuple(entry.rules for entry in file.plan_map)
    )
    faults = [*_plan_faults(plans), *_default_faults(plans), *_meter_faults(plans.versions)]
    faults += _map_faults(plans)
    if faults:
        raise RuleBookError(PLANS_PATH, faults)
    return plans


def _table_names(file: _PlansFile) -> dict[str, list[str]]:
    return {
        "plan": [f"plan {plan.name} from {format_ts(plan.from_)}" for plan in file.plan],
        "plan_map": [
            f"plan_map of {entry.old} from {format_ts(entry.from_)}" for entry in file.plan_map
        ],
    }


def _plan_faults(plans: Plans) -> Iterator[str]:
    """What the versions of one plan must agree in."""
    for name in dict.fromkeys(version.name for version in plans.versions):
        versions = plans.versions_of(name)
        if len({version.fee_nano is None for version in versions}) > 1:
            yield f"plan {name}: must have a fee in all its versions, or in none"
        if len({version.cycle_hours for version in versions}) > 1:
            yield (
                f"plan {name}: must have the same cycle_hours in all its versions: another length"
                " is another plan"
            )
        if len({version.is_default for version in versions}) > 1:
            yield f"plan {name}: must have default = true in all its versions, or in none"


def _default_faults(plans: Plans) -> Iterator[str]:
    names = dict.fromkeys(version.name for version in plans.versions if version.is_default)
    if len(names) > 1:
        yield f"default: one plan alone may be the default, not {' and '.join(names)}"


def _meter_faults(versions: Sequence[PlanVersion]) -> Iterator[str]:
    """An upgrade goes on with what was used under a name, so a name means the same everywhere."""
    matched: dict[str, tuple[str, ...]] = {}
    for version in versions:
        for meter in version.meters:
            if matched.setdefault(meter.name, meter.match) != meter.match:
                yield (
                    f"plan {version.name} from {format_hour(version.from_hour)}: meter"
                    f" {meter.name} must have the same match as in the other plans"
                )
    if len(matched) > 2 * _METERS_MAX:
        yield f"meter: {len(matched)} names; at most {2 * _METERS_MAX}"
    else:
        yield from _shared_resources(matched)


def _shared_resources(matched: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for (name, own), (other, others) in combinations(matched.items(), 2):
        met = next(((a, b) for a in own for b in others if may_meet(a, b)), None)
        if met is not None:
            yield f"meters {name} and {other}: {met[0]} and {met[1]} can match the same resource"


def _map_faults(plans: Plans) -> Iterator[str]:
    for entry in plans.plan_map:
        for name in (entry.old, entry.new):
            if not plans.versions_of(name):
                yield f"plan_map of {entry.old}: there is no plan {name}"
