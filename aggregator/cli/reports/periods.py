"""`usage`, `revenue` and `liability`: what was used, earned and owed."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context, instant, now
from aggregator.cli.progress import commits_progress
from aggregator.cli.reports.printing import form_options, printout
from wire_format.money import NANO, format_cents

if TYPE_CHECKING:
    from typing import Any

    from aggregator.reports.periods.period import Period
    from aggregator.reports.periods.report import Report
    from aggregator.reports.periods.revenue import RevenueBy
    from aggregator.reports.periods.writers import WriterBy

_BY = ("day", "month", "user", "node", "instance", "resource")
_FROM_GIT = {"node", "instance"}
_REVENUE_BY = ("resource", "plan", "month", "user")


def period(text: str) -> "Period":
    """Read a period of a command line.

    Raises:
        BadParameter: it is none.
    """
    from aggregator.reports.periods.period import InvalidPeriodError, parse_period

    try:
        return parse_period(text, now())
    except InvalidPeriodError as error:
        raise click.BadParameter(str(error)) from None


period_option = click.option(
    "--period",
    type=period,
    default="this-month",
    show_default=True,
    help="Such as 2026, 2026-Q4, 2026-10, 2026-10-31, last-month, 2026-10..2026-12 or all; UTC.",
)
as_of_option = click.option(
    "--as-of", "at", type=instant, help="Up to this instant, UTC, by what is known of it today."
)


def clipped(period: "Period", at: datetime | None) -> "Period":
    """The part of a period whose hours began before an instant."""
    if at is None:
        return period
    from aggregator.rating.standing import last_hour_before
    from wire_format.instants import to_us

    return period.until(last_hour_before(to_us(at)) + 1)


@click.command()
@click.argument("user", required=False)
@click.option(
    "--by",
    "kept",
    type=click.Choice(_BY),
    multiple=True,
    default=("resource",),
    show_default=True,
    help="What is kept apart; may be stated more than once.",
)
@period_option
@as_of_option
@form_options
@click.pass_obj
def usage(
    context: Context,
    user: str | None,
    kept: "tuple[Any, ...]",
    period: "Period",
    at: datetime | None,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Add up what USER used in a period, or what all users did.

    Units are told only by resource: those of different resources have no sum. What no grant with
    terms paid was paid from the pool of payments.

    By node or instance it is the usage of one USER without its costs: which machine wrote a line is
    in git alone, so the lines of the period are read again.

    \b
    aggregator usage
    aggregator usage alice --period last-month --by day --by resource
    aggregator usage --by user --period 2026-10 --csv
    aggregator usage alice --by node --period 2026-10-31
    """
    if _FROM_GIT & {*kept}:
        if user is None or "user" in kept:
            raise click.UsageError("--by node and --by instance are for one USER")
        report = _by_writer(context, user, clipped(period, at), kept)
        printout(report, as_csv=as_csv, as_json=as_json).print()
        if not (as_csv or as_json):
            _print_basis(report.head)
            if not report.head["adds_up"]:
                click.echo("these units are not those of the charges: see `aggregator verify`")
        return
    from aggregator.reports.periods.usage import usage_report

    store = context.reading()
    with store.view():
        report = usage_report(store, clipped(period, at), kept, user)
        answer = printout(report, as_csv=as_csv, as_json=as_json)
    answer.print()
    if not (as_csv or as_json):
        _print_basis(report.head)


def _by_writer(
    context: Context, user: str, period: "Period", kept: "tuple[WriterBy, ...]"
) -> "Report":
    """Read again from git which node or instance wrote what."""
    from aggregator.ledger.rejudge import InForce, decisions_of
    from aggregator.ledger.rule_book import rule_book_in_force
    from aggregator.ledger.segments import segment_reader
    from aggregator.rating.rating import Rater
    from aggregator.reports.periods.writers import writers_report

    state, store = context.state(), context.reading()
    with store.view(), commits_progress() as on_progress:
        rater = Rater(rule_book_in_force(store), state.config.charge_cost_max_usd * NANO)
        in_force = InForce(decisions_of(store), rater)
        return writers_report(
            *(store, segment_reader(state), in_force, user, period, kept),
            lambda done, total: on_progress("hours", done, total),
        )


@click.command()
@click.option(
    "--by", "by", type=click.Choice(_REVENUE_BY), default="resource", show_default=True,
    help="What is kept apart.",
)  # fmt: skip
@period_option
@as_of_option
@form_options
@click.pass_obj
def revenue(
    context: Context,
    by: "RevenueBy",
    period: "Period",
    at: datetime | None,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Add up what was earned in a period.

    Revenue is what usage cost customers, less what promotional grants and credits of plans paid of
    it, and the fees of plans. A fee counts at the time of its line. Grants of version 1 and
    adjustments lie in the pool, so what they pay counts as earned.

    \b
    aggregator revenue --period last-month
    aggregator revenue --by month --period 2026 --csv
    """
    from aggregator.reports.periods.revenue import revenue_report

    store = context.reading()
    with store.view():
        report = revenue_report(store, clipped(period, at), by)
        answer = printout(report, as_csv=as_csv, as_json=as_json)
    answer.print()
    if not (as_csv or as_json):
        _print_basis(report.head)


@click.command()
@as_of_option
@form_options
@click.pass_obj
def liability(context: Context, at: datetime | None, *, as_csv: bool, as_json: bool) -> None:
    """Add up what is owed to customers, paid and promotional apart.

    Prepaid balances are what accounts have without any grant, where that is above zero. Debts of
    customers and what grants had left when they ended (breakage) are told beside it, and not set
    off. With --as-of it is what was owed at that instant: the end of October is 2026-11-01.

    \b
    aggregator liability
    aggregator liability --as-of 2026-11-01 --json
    """
    from aggregator.reports.periods.liability import liability_report

    store = context.reading()
    with store.view():
        report = liability_report(store, now(), at)
        answer = printout(report, as_csv=as_csv, as_json=as_json)
    answer.print()
    if as_csv or as_json:
        return
    for beside in report.head["beside"]:
        if beside["amount_nano"]:
            click.echo(f"{beside['what']}: {format_cents(beside['amount_nano'])} USD")
    _print_basis(report.head)


def _print_basis(head: "dict[str, Any]") -> None:
    """Say what a report is about and stands on."""
    if "period" in head:
        begin, end = head["from"] or "the beginning", head["until"] or "the end"
        when = f"{head['period']}: from {begin} until {end}"
    else:
        when = f"at {head['at']}"
    click.echo(f"USD, rounded to cents; {when}; billed until {head['billed_until'] or 'never'}")
    if head["tests_count"]:
        click.echo("test accounts of providers count here: this is not all real money")
    if waiting := head.get("waiting_for"):
        click.echo(f"more may follow of {', '.join(each['node'] for each in waiting)}")
    elif silent := head["silent_nodes"]:
        click.echo(f"more may follow of silent nodes: {len(silent)}, see `aggregator nodes`")
