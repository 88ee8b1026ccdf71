"""The forms of plans that are sold."""

from typing import Annotated

from pydantic import Field

from portal.api.models.account import Count
from portal.api.models.fields import Time, Usd
from portal.api.request import Form
from wire_format.fields import NAME_PATTERN


class MeterOffered(Form):
    """What a plan includes of some resources, in each cycle.

    Attributes:
        meter: its name.
        match: the resources, `*` for any text.
        included: units that cost nothing.
    """

    meter: str
    match: list[str]
    included: Count


class PlanOffered(Form):
    """A plan that can be bought here, as it is now.

    Attributes:
        plan: its name.
        fee_usd: what one period costs; null where it costs nothing.
        credit_usd: credit that each period gives.
        cycle_hours: how long a period is.
        rpm: requests in a minute that services answer; null where nothing is stated.
        features: what it has.
        limits: how many of something it allows.
        meters: what it includes.
    """

    plan: str
    fee_usd: Usd | None
    credit_usd: Usd
    cycle_hours: int
    rpm: int | None
    features: list[str]
    limits: dict[str, Count]
    meters: list[MeterOffered]


class PlansOffered(Form):
    """The plans that can be bought here.

    Attributes:
        plans: by their fees.
    """

    plans: list[PlanOffered]


class PlanWanted(Form):
    """A plan to buy.

    Attributes:
        plan: its name.
        upgrade: whether it takes the place of the plan that runs, until that one's cycle ends.
    """

    plan: Annotated[str, Field(pattern=f"^(?:{NAME_PATTERN})$")]
    upgrade: bool = False


class PlanBought(Form):
    """A period that was bought; it counts once the aggregator has pulled it.

    Attributes:
        plan: its plan.
        from_: when it begins.
        until: when it ends; null of a plan without a fee.
        fee_usd: what it costs; null where it costs nothing.
        instead_of: the plan whose place it takes; null of none.
    """

    plan: str
    from_: Annotated[Time, Field(alias="from")]
    until: Time | None
    fee_usd: Usd | None
    instead_of: str | None
