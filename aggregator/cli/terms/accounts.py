"""`accounts`: which accounts have a plan that is to be renewed, or run out of money soon."""

import click

from aggregator.cli.context import Context, now
from aggregator.cli.reports.printing import form_options, printout
from gitmeter.support.table import print_table
from gitmeter.support.terminal import print_json

_HOURS_MAX = 8_760


def days(text: str) -> int:
    """Read a number of days of a command line: `7d` or `7`.

    Raises:
        BadParameter: it is something else.
    """
    from aggregator.reports.periods.running_out import parse_days

    try:
        return parse_days(text)
    except ValueError:
        words = f"{text!r} is not a number of days such as 7d, at most 3650d"
        raise click.BadParameter(words) from None


@click.command()
@click.option("--due", is_flag=True, help="Those whose plan ends soon and nothing follows yet.")
@click.option(
    "--running-out",
    "days",
    type=days,
    help="Those whose balance lasts for no more than this, such as 7d.",
)
@click.option(
    "--within",
    "within_hours",
    type=click.IntRange(0, _HOURS_MAX),
    default=3,
    show_default=True,
    help="How soon, in hours.",
)
@form_options
@click.pass_obj
def accounts(
    context: Context,
    *,
    due: bool,
    days: int | None,
    within_hours: int,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show the accounts whose plans are to be renewed, or that run out of money soon.

    With --due, for `books plan renew`: a plan with a fee is due when it ends within the given time,
    or ended less than three days ago, and no line follows on it yet. What follows is the same
    again, what the account asks for (`next_plan`), or what takes the place of that plan (`plan_map`
    in plans.toml). The fee is affordable if the account has it without any grant.

    With --running-out, at the rate of the last seven whole days: what the account has, with what
    grants have left, divided by what it was billed a day. An account that used nothing in these
    days does not run out.

    \b
    In JSON, with --due:
      rule_book   the sha256 of the rule book by which this was reckoned
      as_of       when the last pull of all repos ended
      due         for each account user, plan, from, until, fee_usd, affordable, balance_usd (what
                  it has without grants) and reason: why nothing is to be written, or null. `plan`
                  is null where no line is to follow; `until` and `fee_usd` are null for a plan
                  without a fee.

    \b
    aggregator accounts --due
    aggregator accounts --due --json | books plan renew
    aggregator accounts --running-out 7d
    """
    if due is (days is not None):
        raise click.UsageError(
            "state one of --due and --running-out; `aggregator balance` lists all accounts"
        )
    if days is not None:
        _print_running_out(context, days, as_csv=as_csv, as_json=as_json)
        return
    if as_csv:
        raise click.UsageError("--due prints a table or --json")
    _print_due(context, within_hours, as_json=as_json)


def _print_due(context: Context, within_hours: int, *, as_json: bool) -> None:
    from datetime import timedelta

    from aggregator.reports.terms.due import due as all_due

    found = all_due(context.reading(), now(), timedelta(hours=within_hours))
    if as_json:
        print_json(found)
        return
    if not found["due"]:
        click.echo("no plan is due")
        return
    numbers = ("fee", "has")
    print_table(
        ("user", "next plan", "from", "until", *numbers, "renewed"),
        (
            (
                row["user"],
                row["plan"] or "none",
                row["from"],
                row["until"] or "",
                row["fee_usd"] or "",
                row["balance_usd"],
                "yes" if row["affordable"] else f"no: {row['reason']}",
            )
            for row in found["due"]
        ),
        right=numbers,
    )


def _print_running_out(context: Context, days: int, *, as_csv: bool, as_json: bool) -> None:
    from aggregator.reports.periods.running_out import running_out

    store = context.reading()
    with store.view():
        answer = printout(running_out(store, now(), days), as_csv=as_csv, as_json=as_json)
    if not (as_csv or as_json or answer.count > 1):  # the total alone
        click.echo(f"no account that used anything lately runs out within {days} days")
        return
    answer.print()
    if not (as_csv or as_json):
        click.echo("USD, rounded to cents; `a day` is the mean of the last 7 whole days")
