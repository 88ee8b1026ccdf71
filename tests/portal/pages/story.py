"""A customer with a past: payments, a plan, a grant, and eight days of usage."""

from typing import Final

from gitmeter.keys.secret import NewKey
from tests.portal.place import PortalPlace
from tests.support.ledger.terms_world import PLANS

EVERYTHING: Final = (
    *("balance:*", "usage:read", "payments:read", "keys:write", "settings:write", "plan:write"),
    *("topups:write", "allowed:*"),
)
DAYS: Final = 8
SOLD: Final = (b"starter", b"pro", b"pro2")


def tell(place: PortalPlace) -> NewKey:
    """Let alice have a past, and bob another one; returns a key of alice that opens everything."""
    world, plans = place.world, PLANS
    for name in SOLD:
        stated = b'name = "%b"\n' % name
        plans = plans.replace(stated, stated + b'sold_by = ["desk"]\n')
    world.rule_files({"rules/plans.toml": plans})
    world.pay_in("80.00")
    world.pay_in("5.00", user="bob")
    world.plan("pro", fee="30.00")
    world.grant("welcome", "2.00", days=60, scope=["llm/*"])
    for day in range(DAYS):
        world.use(2 + day, instance="crawler-1")
        world.use(200 + 150 * (day % 4), "llm/tokens", instance="chat-2")
        world.use(7, user="bob", instance="bobs-secret-machine")
        world.later(days=1)
    return key_of(place)


def key_of(place: PortalPlace, user: str = "alice") -> NewKey:
    """A key that opens everything of an account, in the ledger."""
    key = place.key(user, *EVERYTHING)
    place.pull()
    return key
