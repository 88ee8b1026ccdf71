"""`entitlements`: what an account may use now."""

from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.context import Context, at_option, json_option, now
from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, print_json
from wire_format.plans import UNLIMITED

if TYPE_CHECKING:
    from datetime import datetime


@click.command()
@click.argument("user")
@click.option("--resource", help="What is to be used: only grants that pay for it are counted.")
@at_option
@json_option
@click.pass_obj
def entitlements(
    context: Context, user: str, resource: str | None, at: "datetime | None", *, as_json: bool
) -> None:
    """Show what USER may use now: the plan, what is left of it, and what can be spent.

    It is for services, which decide by it: they refuse who is suspended, what is used up under a
    meter with `beyond` block, and what would cost more than can be spent or than the cap allows.
    What is used all the same is billed.

    \b
    In JSON:
      suspended       whether to refuse the account altogether
      spendable_nano  what can be spent on RESOURCE; without it, on any resource
      scoped_grants   what can be spent besides, on some resources alone
      setting         cap_usd: at most this much may be billed in one cycle; next_plan
      plan            null without a plan; else its name, cycle_start, cycle_end, until, rpm,
                      features, limits, billed_nano (in this cycle, where there is a cap), meters
      plan.meters     meter, match, used, included, left, beyond, resets_at; `included` and `left`
                      are numbers of units or "unlimited"

    \b
    aggregator entitlements alice --json
    aggregator entitlements alice --resource llm/tokens
    """
    from aggregator.reports.terms.entitlements import entitlements as of_account

    found = of_account(context.reading(), user, now(), at, resource=resource)
    if as_json:
        print_json(found)
        return
    _print(found)


def _print(found: dict[str, Any]) -> None:
    click.echo(escape(found["user"]) + ("  SUSPENDED" if found["suspended"] else ""))
    on = "" if found["resource"] is None else f" on {escape(found['resource'])}"
    click.echo(f"  spendable{on}  {found['spendable_usd']} USD")
    for name, value in found["setting"].items():
        if value is not None:
            click.echo(f"  {name}  {escape(value)}")
    plan = found["plan"]
    if plan is None:
        click.echo("  no plan")
        return
    until = "" if plan["until"] is None else f", paid until {plan['until']}"
    click.echo(f"  plan  {plan['plan']}{until}")
    click.echo(f"  cycle  from {plan['cycle_start']} until {plan['cycle_end']}")
    if plan["rpm"] is not None:
        click.echo(f"  requests a minute  {plan['rpm']}")
    if plan["features"]:
        click.echo(f"  features  {', '.join(plan['features'])}")
    for name, most in plan["limits"].items():
        click.echo(f"  {name}  at most {most}" if most != UNLIMITED else f"  {name}  unlimited")
    if not plan["meters"]:
        return
    numbers = ("used", "included", "left")
    print_table(
        ("meter", *numbers, "beyond", "resets"),
        (
            (
                row["meter"],
                *(str(row[name]) for name in numbers),
                row["beyond"],
                row["resets_at"],
            )
            for row in plan["meters"]
        ),
        right=numbers,
    )
