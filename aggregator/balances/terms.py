"""The grants and plans of accounts, and what is left of each grant at an instant."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from aggregator.rating.standing import GrantLeft, last_hour_before, state_at
from aggregator.store.account_rows import AccountRow
from aggregator.store.store import LedgerStore
from gitmeter.money.granted import EVER_HOUR, Granted
from gitmeter.money.plans.timeline import PLAN_PROVIDER, PlanTimeline
from wire_format.instants import hour_of, parse_ts
from wire_format.plans import NO_PLANS, Plans


class GrantsAndPlans:
    """Knows what grants and plan lines of accounts mean.

    Args:
        plans: those of a rule book.
    """

    def __init__(self, plans: Plans) -> None:
        self.plans = plans

    def timeline(self, account: AccountRow) -> PlanTimeline:
        """What an account has in each hour."""
        return PlanTimeline(account.plans, self.plans)

    def grants(self, account: AccountRow, at_us: int, drawn: Mapping[str, int]) -> list[GrantLeft]:
        """The grants of an account at an instant, with what is left of each, by name.

        Of the credits of plan cycles only those that are in force or were drawn from.

        Args:
            account: the account.
            at_us: the instant, microseconds since 1970.
            drawn: what was drawn of each grant by hours that began before it, by name.
        """
        found = {grant.name: grant for grant in account.grants}
        if account.plans:
            found |= self.credits(account, (last_hour_before(at_us),), drawn)
        left = (
            GrantLeft(grant, grant.amount_nano - drawn.get(name, 0), state_at(grant, at_us))
            for name, grant in sorted(found.items())
        )
        return [each for each in left if each.is_shown]

    def credits(
        self, account: AccountRow, hours: Iterable[int], drawn: Mapping[str, int]
    ) -> dict[str, Granted]:
        """The credits of the cycles of some hours, and of those that were drawn from, by name.

        A line may last for years: only the cycles in question are looked at.

        Args:
            account: the account.
            hours: clock hours since 1970.
            drawn: what was drawn of each grant, by name.
        """
        timeline = self.timeline(account)
        return {
            granted.name: granted
            for hour in {*hours, *_cycle_hours(drawn)}
            for granted in timeline.credits(hour, min(hour + 1, EVER_HOUR))
        }


def terms_of(store: LedgerStore) -> GrantsAndPlans:
    """What grants and plan lines mean under the rule book in force."""
    rules = store.repos.rule_files()
    return GrantsAndPlans(plans_in(None if rules is None else rules.plans_toml))


@lru_cache(maxsize=2)
def plans_in(plans_toml: bytes | None) -> Plans:
    """The plans of `rules/plans.toml`; none without it.

    Kept, because reading them costs more than all else that a question about one account does.
    """
    if not plans_toml:
        return NO_PLANS
    from wire_format.rule_files.plans_file import parse_plans  # loads pydantic

    return parse_plans(plans_toml)


def _cycle_hours(names: Mapping[str, int]) -> Iterator[int]:
    """The hours in which the credits among some grants begin, as their names say."""
    for name in names:
        provider, _, reference = name.partition(":")
        if provider == PLAN_PROVIDER:
            yield hour_of(parse_ts(reference.rpartition("@")[2]))
