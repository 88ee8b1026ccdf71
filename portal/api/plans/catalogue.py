"""The plans that can be bought here."""

from typing import Final

from aggregator.ledger.rule_book import rule_book_in_force
from portal.api.plans.forms import MeterOffered, PlanOffered, PlansOffered
from portal.api.request import Asked
from wire_format.instants import hour_of
from wire_format.money import format_usd
from wire_format.plans import UNLIMITED, Plans, PlanVersion

_SELLER: Final = "desk"


def offered(asked: Asked) -> PlansOffered:
    """List the plans that can be bought here, as they are now, the cheapest first."""
    found = sold(rule_book_in_force(asked.store).plans, hour_of(asked.now))
    return PlansOffered(plans=[*map(_offered, sorted(found, key=_by_fee))])


def sold(plans: Plans, hour: int) -> list[PlanVersion]:
    """What desks sell in a clock hour since 1970, in no order."""
    at = (plans.version_at(name, hour) for name in {each.name for each in plans.versions})
    return [version for version in at if version is not None and _SELLER in version.sold_by]


def _by_fee(version: PlanVersion) -> tuple[int, str]:
    return version.fee_nano or 0, version.name


def _offered(version: PlanVersion) -> PlanOffered:
    return PlanOffered(
        plan=version.name,
        fee_usd=None if version.fee_nano is None else format_usd(version.fee_nano),
        credit_usd=format_usd(version.credit_nano),
        cycle_hours=version.cycle_hours,
        rpm=version.rpm,
        features=list(version.features),
        limits={name: UNLIMITED if most is None else most for name, most in version.limits},
        meters=[
            MeterOffered(
                meter=each.name,
                match=list(each.match),
                included=UNLIMITED if each.included is None else each.included,
            )
            for each in version.meters
        ],
    )
