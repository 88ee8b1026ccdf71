"""The statement of an account, as `aggregator statement` says it."""

from typing import Final

from aggregator.reports.basis import Answer
from aggregator.reports.periods.period import InvalidPeriodError, Period, parse_period
from aggregator.reports.statements.page import statement_page as page_of
from aggregator.reports.statements.statement import statement as stated
from aggregator.store.questions.sums import Grouping
from portal.api.customers.account import account_here
from portal.api.customers.forming import formed
from portal.api.customers.freshness import fresh
from portal.api.models.statements import (
    AccountStatement,
    StatementFee,
    StatementGrant,
    StatementMoney,
    StatementPart,
    StatementSums,
    StatementUsage,
)
from portal.api.problems import invalid
from portal.api.request import Asked
from wire_format.instants import DAY_HOURS
from wire_format.money import format_usd

DAYS_MAX: Final = 366
CHARGES_MAX: Final = 200_000
"""A second's work."""
RESOURCES_MAX: Final = 10_000


def statement(asked: Asked) -> AccountStatement:
    """Say what happened in a period, from the opening to the closing balance.

    The period is a month as 2026-11, a quarter as 2026-Q4, a year, a day, or two of these with `..`
    between them, at most 366 days. The closing balance of a month is the opening one of the next.
    What is known today counts, so usage that arrives late changes the statement of its own time.
    With which commits and which digest of the whole ledger it was made is said by `aggregator
    statement` alone, because the digest reads all of it.
    """
    found = _stated(asked)
    return formed(
        AccountStatement,
        found,
        money=[
            formed(StatementMoney, each, change_usd=format_usd(each["nano"]))
            for each in found["money"]
        ],
        fees=[
            formed(StatementFee, each, fee_usd=format_usd(each["nano"])) for each in found["fees"]
        ],
        usage=[
            formed(
                StatementUsage, each, parts=[formed(StatementPart, part) for part in each["parts"]]
            )
            for each in found["usage"]
        ],
        grants=[formed(StatementGrant, each) for each in found["grants"]],
        sums=formed(StatementSums, found["sums"]),
        **fresh(asked, found),
    )


def statement_page(asked: Asked) -> str:
    """The same as one page of HTML, which prints and needs nothing else."""
    found = _stated(asked)
    waiting = [each.model_dump() for each in fresh(asked, found)["waiting_for"]]
    return page_of({**found, "waiting_for": waiting, "made_from": None})


def _stated(asked: Asked) -> Answer:
    """The statement as the aggregator states it.

    Raises:
        ProblemError: there is none of that period.
    """
    account = account_here(asked)
    period = _period(asked)
    charges = [each.charges for each in asked.store.sums.usage(*period[1:], Grouping(), account.id)]
    if sum(charges) > CHARGES_MAX or len(charges) > RESOURCES_MAX:
        most = f"{CHARGES_MAX} charges, or {RESOURCES_MAX} resources"
        raise invalid(f"period: has more than {most}: ask for a shorter one")
    return stated(asked.store, asked.holder.user, period, asked.now)


def _period(asked: Asked) -> Period:
    """The period in the path.

    Raises:
        ProblemError: there is none of that name, or it is too long.
    """
    try:
        period = parse_period(asked.path["period"], asked.now)
    except InvalidPeriodError as error:
        raise invalid(f"period: {error}") from None
    if period.end_hour - period.first_hour > DAYS_MAX * DAY_HOURS:
        raise invalid(f"period: has more than {DAYS_MAX} days")
    return period
