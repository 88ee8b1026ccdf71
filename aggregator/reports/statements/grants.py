"""What became of the grants of an account in a period. Pure."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from aggregator.rating.standing import GrantLeft, GrantState
from gitmeter.money.granted import Granted


class GrantChange(NamedTuple):
    """What became of a grant in a period, in nano-dollars.

    opening + begun - drawn - ended = closing

    Attributes:
        grant: the grant, or the credit of a plan's cycle.
        opening_nano, closing_nano: what it added to the balance at both ends.
        begun_nano: what it added when it came into force.
        drawn_nano: what it paid.
        ended_nano: what it had left when it was no longer in force.
    """

    grant: Granted
    opening_nano: int
    begun_nano: int
    drawn_nano: int
    ended_nano: int
    closing_nano: int


def grant_changes(
    opening: Iterable[GrantLeft], closing: Iterable[GrantLeft]
) -> Iterator[GrantChange]:
    """Compare the grants of an account at both ends of a period, in the order of drawing.

    Those that changed nothing and are in no balance are left out.
    """
    before = {each.grant.name: each for each in opening}
    after = {each.grant.name: each for each in closing}
    grants = {name: each.grant for name, each in (before | after).items()}
    for grant in sorted(grants.values(), key=lambda grant: grant.drawing_order):
        change = _change(grant, before.get(grant.name), after.get(grant.name))
        if any(change[1:]):
            yield change


def _change(grant: Granted, before: GrantLeft | None, after: GrantLeft | None) -> GrantChange:
    opening, closing = _in_balance(before), _in_balance(after)
    drawn = _drawn(after) - _drawn(before)
    came = closing - opening + drawn
    is_over = after is not None and after.state in {GrantState.ENDED, GrantState.VOID}
    if is_over and not opening and (before is None or before.state is GrantState.FUTURE):
        # it came and went within the period
        return GrantChange(grant, 0, grant.amount_nano, drawn, grant.amount_nano - drawn, closing)
    return GrantChange(grant, opening, max(came, 0), drawn, max(-came, 0), closing)


def _in_balance(each: GrantLeft | None) -> int:
    return each.left_nano if each is not None and each.state is GrantState.IN_FORCE else 0


def _drawn(each: GrantLeft | None) -> int:
    return 0 if each is None else each.grant.amount_nano - each.left_nano
