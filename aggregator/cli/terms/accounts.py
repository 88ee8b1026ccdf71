"""`accounts`: which accounts have a plan that is to be renewed."""

import click

from aggregator.cli.context import Context, json_option, now
from gitmeter.support.terminal import print_json, print_table

_HOURS_MAX = 8_760


@click.command()
@click.option("--due", is_flag=True, help="Those whose plan ends soon and nothing follows yet.")
@click.option(
    "--within",
    "within_hours",
    type=click.IntRange(0, _HOURS_MAX),
    default=3,
    show_default=True,
    help="How soon, in hours.",
)
@json_option
@click.pass_obj
def accounts(context: Context, *, due: bool, within_hours: int, as_json: bool) -> None:
    """Show the accounts whose plans are to be renewed, for `books plan renew`.

    A plan with a fee is due when it ends within the given time, or ended less than three days ago,
    and no line follows on it yet. What follows is the same again, what the account asks for
    (`next_plan`), or what takes the place of that plan (`plan_map` in plans.toml). The fee is
    affordable if the account has it without any grant.

    \b
    In JSON:
      rule_book   the sha256 of the rule book by which this was reckoned
      as_of       when the last pull of all repos ended
      due         for each account user, plan, from, until, fee_usd, affordable, balance_usd (what
                  it has without grants) and reason: why nothing is to be written, or null. `plan`
                  is null where no line is to follow; `until` and `fee_usd` are null for a plan
                  without a fee.

    \b
    aggregator accounts --due
    aggregator accounts --due --json | books plan renew
    """
    if not due:
        raise click.UsageError("state --due; `aggregator balance` lists all accounts")
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
