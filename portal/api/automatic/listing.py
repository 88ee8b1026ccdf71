"""Automatic payments of all accounts, for staff: who is charged, who is not, and why."""

from itertools import islice
from typing import Final

from portal.api.automatic.forms import StandingListed, StandingPage, StandingsWanted
from portal.api.automatic.standing import standing, standing_here, stated
from portal.api.request import Asked
from portal.api.staff.account import as_customer, of_account

LOOKED_AT_MAX: Final = 500
"""Accounts that are looked at for one page."""

of_one: Final = of_account(standing)


def standings(asked: Asked) -> StandingPage:
    """List the accounts that want automatic payments, by their ids, and where each stands.

    With the state `off` it lists those that wanted some once. A page looks at 500 accounts at most.
    """
    wanted: StandingsWanted = asked.query
    users = (user for user in asked.store.topups.listed() if user > wanted.cursor)
    looked_at = [*islice(users, LOOKED_AT_MAX + 1)]
    listed: list[StandingListed] = []
    cursor = None
    for number, user in enumerate(looked_at):
        if len(listed) == wanted.limit or number == LOOKED_AT_MAX:
            cursor = looked_at[number - 1]
            break
        found = _listed(asked, user)
        if found.state == wanted.state or (wanted.state is None and found.state != "off"):
            listed.append(found)
    return StandingPage(accounts=listed, cursor=cursor)


def _listed(asked: Asked, user: str) -> StandingListed:
    found = stated(standing_here(as_customer(asked._replace(path={"user": user}))))
    attempts = found["attempts"]
    names = StandingListed.model_fields.keys() - {"user", "last"}
    return StandingListed(
        user=user,
        last=attempts[0] if attempts else None,
        **{name: found[name] for name in names},
    )
