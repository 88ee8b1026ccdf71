"""The account that asks: who it is, what it has, and what its plan allows."""

from typing import Final

from aggregator.rating.standing import GrantState
from aggregator.reports.accounts import NoAccountError, account_of_user
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.terms.entitlements import cycle_billed, entitlements, spendable_nano
from aggregator.reports.terms.grants import AccountTerms, account_terms
from aggregator.store.account_rows import AccountRow
from gitmeter.money.accounts import AccountAt
from portal.access.holders import settled_about
from portal.api.customers.freshness import fresh
from portal.api.models.account import (
    AccountBalance,
    AccountGrant,
    AccountPlan,
    BalanceState,
    Entitlements,
    Me,
)
from portal.api.problems import ProblemError, not_now
from portal.api.request import Asked
from wire_format.instants import HOUR_US, format_hour, to_us
from wire_format.money import format_usd, parse_nano

_LOW_PART: Final = 10
"""With less than this part of what there was a balance is low."""


def me(asked: Asked) -> Me:
    """Say whose account it is, and what opens with what was sent."""
    holder = asked.holder
    return Me(
        user=holder.user,
        key_id=holder.name if holder.is_key else None,
        identity=None if holder.is_key else holder.name,
        scopes=list(holder.scopes),
        rpm=holder.rpm or asked.portal.config.rpm,
        suspended=holder.is_suspended,
    )


def balance(asked: Asked) -> AccountBalance:
    """Say what is left, of how much, and what it is made of.

    It is of usage that was billed: `as_of` and `waiting_for` say what may follow.
    """
    found, settled = terms(asked), settled_here(asked)
    plan = found.timeline.at(to_us(asked.now) // HOUR_US)
    balance_nano = found.funds.balance_nano
    cycle = cycle_billed(asked.store, found, asked.now)
    return AccountBalance(
        balance_usd=format_usd(balance_nano),
        spendable_usd=format_usd(spendable_nano(found)),
        granted_usd=format_usd(balance_nano + cycle.nano),
        state=_state(spendable_nano(found), balance_nano, balance_nano + cycle.nano),
        cap_usd=cap_usd(settled),
        plan=None if plan is None else plan.version.name,
        cycle_end=format_hour(cycle.end_hour),
        grants=[
            AccountGrant(
                grant=each.grant.name,
                left_usd=format_usd(each.left_nano),
                amount_usd=format_usd(each.grant.amount_nano),
                until=None if each.grant.until_hour is None else format_hour(each.grant.until_hour),
                scope=None if each.grant.scope is None else list(each.grant.scope),
                category=each.grant.category,
            )
            for each in sorted(found.grants, key=lambda each: each.grant.drawing_order)
            if each.state is GrantState.IN_FORCE
        ],
        **fresh(asked, stands_on(asked.store, found.account.id)),
    )


def entitled(asked: Asked) -> Entitlements:
    """Say what the account may use: its plan with what is left of it, and what it can spend."""
    try:
        found = entitlements(asked.store, asked.holder.user, asked.now)
    except NoAccountError:
        raise not_read_yet() from None
    settled = settled_here(asked)
    return Entitlements(
        suspended=asked.holder.is_suspended,
        spendable_usd=found["spendable_usd"],
        cap_usd=cap_usd(settled),
        next_plan=settled.settings.get("next_plan"),
        plan=None if found["plan"] is None else _plan(found["plan"]),
        **fresh(asked, found),
    )


def terms(asked: Asked) -> AccountTerms:
    """What the account has."""
    try:
        return account_terms(asked.store, asked.holder.user, asked.now)
    except NoAccountError:
        raise not_read_yet() from None


def account_here(asked: Asked) -> AccountRow:
    """The account, as the ledger has it."""
    try:
        return account_of_user(asked.store, asked.holder.user)
    except NoAccountError:
        raise not_read_yet() from None


def settled_here(asked: Asked) -> AccountAt:
    """What is settled about the account, with what was written here a moment ago."""
    return settled_about(asked.store, asked.portal.desk.unbilled, asked.holder.user, asked.now)


def cap_usd(settled: AccountAt) -> str | None:
    """The most that may be billed in a cycle, in the one spelling of amounts: `7.00` for `7`."""
    text = settled.settings.get("cap_usd")
    return None if text is None else format_usd(parse_nano(text))


def not_read_yet() -> ProblemError:
    """The ledger does not know the account, which was opened a moment ago."""
    return not_now("this account is so new that the ledger has not read it yet", retry_after_s=1)


def _state(spendable: int, balance: int, granted: int) -> BalanceState:
    """How much is left, in a word; all in nano-dollars."""
    if spendable <= 0:
        return "exhausted"
    return "low" if balance * _LOW_PART < granted else "ok"


def _plan(stated: Answer) -> AccountPlan:
    names = (*("plan", "cycle_start", "cycle_end", "until", "fee_usd", "rpm"), "features", "limits")
    return AccountPlan(**{name: stated[name] for name in names}, meters=stated["meters"])
