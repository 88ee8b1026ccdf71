"""Charges of an account, and how one is made."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.account import Count
from portal.api.models.fields import Fresh, Time, Usd
from portal.api.request import Form
from wire_format.fields import AppliesTo


class PaidByGrant(Form):
    """What a grant paid of a charge.

    Attributes:
        grant: its name.
        usd: what it paid.
    """

    grant: str
    usd: Usd


class ShownCharge(Form):
    """What was used of one resource in one hour, under one category of discounts.

    Attributes:
        id: its name, in addresses.
        hour: when it begins.
        resource: what was used.
        applies_to: the category.
        quantity: units.
        records: the lines that state them.
        included: units that the plan includes.
        list_usd: what it costs without discounts.
        billed_usd: what it costs.
        tier: of discounts.
        multiplier: by which the list price is multiplied.
        grants: what grants paid of it.
        rest_usd: what no grant paid.
        state: `rated`, or why it is not billed in full.
    """

    id: str
    hour: Time
    resource: str
    applies_to: AppliesTo
    quantity: int
    records: int
    included: int
    list_usd: Usd
    billed_usd: Usd
    tier: str
    multiplier: str
    grants: list[PaidByGrant]
    rest_usd: Usd
    state: Literal["rated", "unpriced", "category_mismatch", "overflow"]


class AccountCharges(Fresh):
    """A page of charges.

    Attributes:
        charges: the newest first.
        next: the cursor of the next page; null of the last one.
    """

    charges: list[ShownCharge]
    next: str | None


class TierOfPrice(Form):
    """A tier of a price.

    Attributes:
        up_to: the last unit of it; null for no end.
        usd: the price of `per` units in it.
        flat_usd: what its first unit costs besides.
    """

    up_to: int | None
    usd: str
    flat_usd: str | None


class PricePackage(Form):
    """A price for packages, of which each that is begun is paid.

    Attributes:
        size: units of a package.
        usd: what it costs.
    """

    size: int
    usd: str


class PriceUsed(Form):
    """The price of a charge, and the line of the rule book that states it.

    Attributes:
        usd: the price of `per` units; null with tiers or packages.
        per: units.
        tiers: its tiers.
        mode: which tier a unit has: its own (`graduated`), or that of all units (`volume`).
        package: its packages.
        window: the time over which units are counted.
        from_: since when it is in force.
        until: until when.
        is_own: whether it is a price of this account alone.
        commit: of the rule book.
        path: the file.
        line_no: the line with which it begins there.
    """

    usd: str | None
    per: int | None
    tiers: list[TierOfPrice] | None
    mode: str | None
    package: PricePackage | None
    window: str
    from_: Annotated[
        Time, Field(serialization_alias="from", description="Since when it is in force.")
    ]
    until: Time | None
    is_own: bool
    commit: str
    path: str
    line_no: int | None


class TierUsed(Form):
    """Units of a charge in one tier.

    Attributes:
        tier: the tier, from 1.
        units: of the charge.
        flat: whether the charge has its first unit.
    """

    tier: int
    units: int
    flat: bool


class WindowUsed(Form):
    """Where a charge lies in the window of its price.

    Attributes:
        from_: the first hour of the window.
        until: the hour before which it ends.
        included: units of the charge that the plan includes, which are not counted.
        before: units that were counted before the charge.
        counted: units of the charge that are counted.
        total: units that are counted in all.
        tiers: the tiers of the charge.
    """

    from_: Annotated[
        Time, Field(serialization_alias="from", description="The first hour of the window.")
    ]
    until: Time
    included: int
    before: int
    counted: int
    total: int
    tiers: list[TierUsed]


class MeterUsed(Form):
    """What the plan includes of the resource.

    Attributes:
        plan: its name.
        meter: the meter under which it is counted.
        included: units of a cycle.
        cycle_start: when the cycle of the charge began.
        cycle_end: when it ends.
    """

    plan: str
    meter: str
    included: Count
    cycle_start: Time
    cycle_end: Time


class InstanceUsed(Form):
    """Units of a charge by one instance.

    Attributes:
        instance: null for lines that state none.
        units: units.
        lines: lines.
    """

    instance: str | None
    units: int
    lines: int


class SegmentUsed(Form):
    """A file with lines of a charge, and maybe with lines of others.

    Attributes:
        node: who wrote it: its name for this account alone.
        commit: the commit that has it.
        path: the file.
        first_line_no: the first line of the charge.
        last_line_no: the last one.
        lines: how many there are.
        units: their units.
    """

    node: str
    commit: str
    path: str
    first_line_no: int
    last_line_no: int
    lines: int
    units: int


class UsageLine(Form):
    """A line of a charge, in git.

    Attributes:
        node: who wrote it: its name for this account alone.
        seq: its number there.
        ts: when it was written.
        units: units.
        instance: which instance; null where it states none.
        corrects: the number of the line that it corrects.
        reason: why.
        commit: the commit that has it.
        path: the file.
        line_no: the line there.
        repeats: how often it was delivered again.
    """

    node: str
    seq: int
    ts: Time
    units: int
    instance: str | None
    corrects: int | None
    reason: str | None
    commit: str
    path: str
    line_no: int
    repeats: int


class ExplainedCharge(Fresh):
    """How a charge is made.

    Attributes:
        charge: the charge.
        price: its price; null without one.
        window: where it lies in the window of its price; null where all units cost the same.
        meter: what the plan includes; null where it includes nothing of the resource.
        instances: its units by instance, those with the most first.
        more_instances: how many more there are.
        segments: the files that have its lines.
        more_segments: how many more there are.
        lines: its lines, by node and number.
        more_lines: how many more there are.
        adds_up: whether all lines, these and more, add up to the charge; null where they were too
            many to be read.
    """

    charge: ShownCharge
    price: PriceUsed | None
    window: WindowUsed | None
    meter: MeterUsed | None
    instances: list[InstanceUsed]
    more_instances: int
    segments: list[SegmentUsed]
    more_segments: int
    lines: list[UsageLine]
    more_lines: int
    adds_up: bool | None
