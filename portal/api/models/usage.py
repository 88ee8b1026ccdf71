"""Usage of an account, added up."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.fields import Fresh, Time, Usd
from portal.api.models.spans import HoursWanted
from portal.api.request import Form

Step = Literal["day", "week", "month"]
Group = Literal["resource", "instance"]


class UsageWanted(HoursWanted):
    """Which usage, and how it is added up.

    Attributes:
        by: periods of UTC; weeks are ISO weeks, which begin on Mondays.
        group: what is told apart besides.
    """

    by: Step = "day"
    group: Group = "resource"


class UsedInPeriod(Form):
    """What was used of one resource in one period.

    Attributes:
        period: the first day of the period; the usage is that of the time that was asked for.
        resource: what was used.
        instance: by which instance; null for none, and where instances are not told apart.
        quantity: units.
        included: units that the plan includes; null by instance, as all that follow.
        list_usd: what they cost without discounts.
        billed_usd: what they cost.
        granted_usd: what grants paid of that.
    """

    period: Annotated[str, Field(examples=["2026-11-28"])]
    resource: str
    instance: str | None
    quantity: int
    included: int | None
    list_usd: Usd | None
    billed_usd: Usd | None
    granted_usd: Usd | None


class SumOfUsage(Form):
    """What usage of some kind costs, in sum.

    Attributes:
        of: the first day of a period, or a resource.
        list_usd: what it costs without discounts.
        billed_usd: what it costs.
        granted_usd: what grants paid of that.
    """

    of: str
    list_usd: Usd
    billed_usd: Usd
    granted_usd: Usd


class AccountUsage(Fresh):
    """Usage of an account, added up.

    Attributes:
        by: the periods.
        group: what is told apart besides.
        from_: the first hour.
        until: the hour before which it ends.
        rows: by period, then by resource.
        periods: the sum of each period with usage, in time; empty by instance.
        resources: the sum of each resource, the dearest first; empty by instance.
        list_usd: what all of it costs without discounts; null by instance, as all that follow.
        billed_usd: what it costs.
        granted_usd: what grants paid of that.
        adds_up: whether the units of instances are those of the charges; null by resource.
    """

    by: Step
    group: Group
    from_: Annotated[Time, Field(serialization_alias="from", description="The first hour.")]
    until: Time
    rows: list[UsedInPeriod]
    periods: list[SumOfUsage]
    resources: list[SumOfUsage]
    list_usd: Usd | None
    billed_usd: Usd | None
    granted_usd: Usd | None
    adds_up: bool | None
