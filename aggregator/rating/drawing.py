"""Which grant pays for which charge. Pure.

Charges of an account draw in the order of hour, resource and category, each on the grants in their
own order. So what a grant paid is a function of the charges and grants, and arrival has no part in
it. What no grant pays is uncovered, for ever, and falls on the pool.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from gitmeter.money.granted import Granted
from wire_format.fields import AppliesTo
from wire_format.plans.globs import matches


class Billed(NamedTuple):
    """What one charge of an account costs.

    Attributes:
        hour: its clock hour, since 1970.
        resource, applies_to: what was used.
        billed_nano: its billed cost, in nano-dollars.
    """

    hour: int
    resource: str
    applies_to: AppliesTo
    billed_nano: int


class Drawn(NamedTuple):
    """What one grant pays of one charge.

    Attributes:
        charge: the charge.
        grant: the name of the grant.
        nano: nano-dollars, above zero.
    """

    charge: Billed
    grant: str
    nano: int


def draw(
    charges: Iterable[Billed], grants: Sequence[Granted], left: MutableMapping[str, int]
) -> Iterator[Drawn]:
    """What grants pay of each charge of one account.

    Args:
        charges: from some hour on, in the order of hour, resource and category.
        grants: those of the account, in any order.
        left: by the name of each grant, what is left of it before that hour; it goes on with what
            is drawn.
    """
    ordered = sorted(
        (grant for grant in grants if left[grant.name] > 0), key=attrgetter("drawing_order")
    )
    scopes: dict[tuple[str, str], bool] = {}
    for charge in charges:
        if not ordered:
            return  # the rest of the charges need not even be read
        rest = charge.billed_nano
        spent = False
        for grant in ordered if rest > 0 else ():
            if not pays_in(grant, charge.hour):
                continue
            key = grant.name, charge.resource
            if key not in scopes:
                scopes[key] = pays_for(grant, charge.resource)
            if not scopes[key]:
                continue
            nano = min(left[grant.name], rest)
            left[grant.name] -= nano
            rest -= nano
            spent = spent or not left[grant.name]
            yield Drawn(charge, grant.name, nano)
            if not rest:
                break
        if spent:
            ordered = [grant for grant in ordered if left[grant.name] > 0]


def pays_in(grant: Granted, hour: int) -> bool:
    """Whether a grant pays in a clock hour."""
    at = bisect_right(grant.spans, hour, key=attrgetter("first"))
    return at > 0 and hour < grant.spans[at - 1].end


def pays_for(grant: Granted, resource: str) -> bool:
    """Whether a grant pays for a resource."""
    return grant.scope is None or matches(grant.scope, resource)
