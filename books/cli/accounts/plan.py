"""`books plan`: which plan an account has, period by period."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from books.cli.accounts.account import record_setting
from books.cli.accounts.entering import line_options
from books.cli.accounts.line_text import line_text
from books.cli.accounts.renewing import renew
from books.cli.acts import recorded_text
from books.cli.instants import InstantType
from books.cli.line_json import line_json
from gitmeter.support.table import print_table
from gitmeter.support.terminal import print_json
from wire_format.plans import NO_NEXT_PLAN

if TYPE_CHECKING:
    from books.plans.listing import ListedLine


@click.group()
def plan() -> None:
    """Settle which plan an account has, period by period, and renew plans.

    What plans cost and include is in rules/plans.toml: `books rules set plans.toml`. The fee of a
    period is taken from the balance when its line counts, whether the balance has it or not.
    """


@plan.command("set")
@click.argument("user")
@click.argument("name", metavar="PLAN")
@click.option(
    "--from",
    "from_",
    type=InstantType(hours_only=True),
    show_default="the hour of now",
    help="When the period begins, a full hour.",
)
@click.option(
    "--until",
    type=InstantType(hours_only=True),
    show_default="one cycle later",
    help="When it ends, a full hour.",
)
@click.option("--fee-usd", metavar="USD", show_default="as in plans.toml", help="What it costs.")
@click.option(
    "--upgrade",
    "is_upgrade",
    is_flag=True,
    help="Let it take the place of the plan that runs, at once, until its cycle ends.",
)
@line_options(needs_reason=False)
@click.pass_obj
def set_(home: Path, /, user: str, name: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Give USER the PLAN for one period.

    \b
    books plan set alice pro
    books plan set alice power --upgrade
    books plan set alice pro --from 2026-12-10 --fee-usd 10 --reason "promised by letter"

    While a plan with a fee runs, another one begins when it has ended, or as an upgrade: a dearer
    plan with cycles of the same length that includes at least as much. An upgrade costs the
    difference of the two fees, keeps the cycle, and begins at once. A plan without a fee has no
    end. Nothing is given back by itself: `books grant` and `books adjust` do that.

    The line is judged before it is written, by what these books have. Lines of desks are in repos
    of their own: `aggregator entitlements USER` shows which plan the account has by all of them.
    """
    from books.plans.settling import WantedPlan, set_plan
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        done = set_plan(spool, WantedPlan(user, name, **stated), by)
    line = done.line
    if as_json:
        print_json(line_json(line) | {"by": by, "repeated": done.repeated})
        return
    click.echo(recorded_text(line, f"{line_text(line)}, {user}", repeated=done.repeated))
    if done.may_have_desk_lines and not done.repeated:
        click.echo(
            "note: desks sell plans too, and these books do not read their lines: once the"
            f" aggregator has pulled, `aggregator entitlements {user}` shows which plan it has",
            err=True,
        )


@plan.command()
@click.argument("user")
@line_options(needs_reason=False)
@click.pass_obj
def end(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Let the plan of USER end with the period that runs.

    This is the setting `next_plan none`: the period that is paid for goes on until its end, and
    then there is no other; USER has the default plan, if there is one. Nothing is given back. To
    go on after all:

    \b
    books plan end alice
    books account setting alice --next-plan pro
    """
    record_setting(home, as_json, by, user=user, next_plan=NO_NEXT_PLAN, **stated)
    if not as_json:
        click.echo("a period that runs goes on until its end, and no other is written after it")


@plan.command("list")
@click.argument("user", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_(home: Path, /, user: str | None, *, as_json: bool) -> None:
    """List the plan lines of these books, of USER or of everybody, and which of them count.

    Settings of the next plan are shown too. Lines of desks are not in these books; `aggregator
    entitlements USER` shows which plan an account has by all of them.
    """
    from books.plans.listing import list_lines
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        found = list_lines(spool, user)
    if as_json:
        print_json([_json(each) for each in found])
        return
    print_table(
        ("seq", "entered", "user", "what", "status"),
        [
            (
                *(str(each.line.seq), _second(each.line.ts), each.line.user),
                *(line_text(each.line), each.status),
            )
            for each in found
        ],
        right=("seq",),
    )


def _second(ts: datetime) -> str:
    return f"{ts:%Y-%m-%dT%H:%M:%SZ}"


def _json(listed: "ListedLine") -> dict[str, Any]:
    fault = listed.fault
    return line_json(listed.line) | {
        "counts": listed.counts,
        "stands_seq": listed.stands_seq,
        "fault": None if fault is None else fault.value,
        "status": listed.status,
        "advice": None if fault is None else fault.advice,
    }


plan.add_command(renew)
