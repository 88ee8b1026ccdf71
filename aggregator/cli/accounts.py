"""`balance`, `charges` and `reprice`: balances, and what was charged."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from aggregator.cli.context import Context, at_option, hour, json_option, now
from gitmeter.support.table import Table, print_table
from gitmeter.support.terminal import JsonList, counted, escape, print_json
from wire_format.money import NANO, format_usd

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from aggregator.rating.rating import ChargeState
    from aggregator.reports.basis import Answer
    from gitmeter.support.printout import Printout

_SILENT_SHOWN = _WAITING_SHOWN = 10
_GRANTED = ("drawn", "granted")


@click.command()
@click.argument("user", required=False)
@at_option
@json_option
@click.pass_obj
def balance(context: Context, user: str | None, at: "datetime | None", *, as_json: bool) -> None:
    """Show the balance of USER, or of all users.

    What is left of grants in force is in it; `aggregator grants USER` shows each of them. With --at
    it is the balance at that instant: the closing balance of October is the one at 2026-11-01. Of
    one user it says which nodes wrote the usage, and of which of them more may follow: those that
    are silent, have gaps in their numbers, or commits that are not billed.

    \b
    aggregator balance alice
    aggregator balance alice --at 2026-11-01
    """
    from aggregator.reports import accounts, basis, unrated

    store = context.reading()
    if user is not None:
        with store.view():
            if at is None:
                found = accounts.balance(store, user, now())
            else:
                (found,) = accounts.balances_at(store, user, at)
            groups = unrated.groups_of_user(store, user) if found["unrated_charges"] else []
        found["unrated"] = [unrated.group_answer(group) for group in groups]
        if as_json:
            print_json(found)
            return
        print_balances(balance_table([found], has_grants=_has_grants(found)), found)
        _print_unrated(unrated.counts_by_state(groups), shlex.join(("unpriced", user)))
        return
    with store.view():
        stands_on, counts = basis.stands_on(store), store.unrated.charges_by_state()
        if at is None:
            balances = accounts.balances(store, now())
        else:
            balances = accounts.balances_at(store, None, at)
        has_grants = store.reports.has_terms()
        answer = JsonList(balances) if as_json else balance_table(balances, has_grants=has_grants)
    if as_json:
        answer.print()
        return
    print_balances(answer, stands_on)
    _print_unrated(counts, "unpriced")


def _has_grants(found: "Answer") -> bool:
    return bool(found["granted_nano"] or found["drawn_nano"])


def _print_unrated(counts: "Mapping[ChargeState, int]", command: str) -> None:
    """Say what the balances above do not include in full."""
    for state, count in counts.items():
        are, cost = ("is", "costs") if count == 1 else ("are", "cost")
        so_far = "the limit" if state == "overflow" else "nothing so far"
        click.echo(f"{counted(count, 'charge')} {are} {state} and {cost} {so_far}")
    if counts:
        click.echo(f"not billed in full: see `aggregator {escape(command)}`")


def balance_table(found: "Iterable[Answer]", *, has_grants: bool = False) -> Table:
    """A table of balances in dollars, from answers of `aggregator.reports.accounts`.

    Args:
        found: the answers.
        has_grants: show what grants paid and have left, without which a row would not add up.
    """
    grants = ("paid by grants", "left of grants") if has_grants else ()
    columns = ("list cost", "discount", "billed", *grants, "credited", "balance")
    return Table(
        ("user", "tier", *columns),
        (
            (
                row["user"],
                row["discount_tier"],
                format_usd(row["list_cost_nano"]),
                format_usd(row["discount_nano"]),
                format_usd(row["billed_cost_nano"]),
                *(format_usd(row[f"{name}_nano"]) for name in _GRANTED if has_grants),
                format_usd(row["credit_nano"]),
                row["balance_usd"],
            )
            for row in found
        ),
        right=columns,
    )


def print_balances(table: "Printout", basis: "Answer") -> None:
    """Print a table of balances, and what they stand on."""
    table.print()
    if not table.count:
        click.echo("no accounts yet")
        return
    click.echo(
        f"USD; newest commit billed: {basis['billed_until'] or 'none yet'};"
        f" last pull: {basis['as_of'] or 'not known since the rebuild'}"
    )
    if basis["tests_count"]:
        click.echo("test accounts of providers count here: this is not all real money")
    if silent := basis["silent_nodes"]:
        more = f" and {len(silent) - _SILENT_SHOWN} more" if len(silent) > _SILENT_SHOWN else ""
        shown = ", ".join(silent[:_SILENT_SHOWN])
        click.echo(f"silent, so that their usage may be missing: {shown}{more}")
    if nodes := basis.get("nodes"):
        until = basis["nodes_billed_until"]
        click.echo(f"usage by {counted(len(nodes), 'node')}, billed until {until}")
    waiting = basis.get("waiting_for", [])
    for node in waiting[:_WAITING_SHOWN]:
        click.echo(f"  more may follow of {escape(node['node'])}: {', '.join(node['why'])}")
    if len(waiting) > _WAITING_SHOWN:
        click.echo(f"  and of {len(waiting) - _WAITING_SHOWN} more, see --json")


@click.command()
@click.argument("user")
@click.option("--since", type=hour, help="From this hour or day on, UTC.")
@click.option("--until", type=hour, help="Before this hour or day, UTC.")
@json_option
@click.pass_obj
def charges(
    context: Context, user: str, since: int | None, until: int | None, *, as_json: bool
) -> None:
    """Show what USER was charged, hour by hour."""
    from aggregator.ledger.rule_book import rule_book_in_force
    from aggregator.rating.discounts import DiscountLadder
    from aggregator.reports import accounts

    store = context.reading()
    with store.view():
        ladder = DiscountLadder(rule_book_in_force(store).ladders)
        account = accounts.account_of_user(store, user)
        found = accounts.charges(store, user, ladder, since, until)
        answer = (
            JsonList(found)
            if as_json
            else _charge_table(found, accounts.PaidByTerms(store, account).without)
        )
    answer.print()
    if not as_json and not answer.count:
        click.echo("no charges in that time")


_CHARGE_CELLS: "Final[Mapping[str, Callable[[Answer], str]]]" = {
    "hour": lambda row: row["hour"],
    "resource": lambda row: row["resource"],
    "applies to": lambda row: row["applies_to"],
    "quantity": lambda row: str(row["quantity"]),
    "included": lambda row: str(row["included"]),
    "records": lambda row: str(row["records"]),
    "list cost": lambda row: format_usd(row["list_cost_nano"]),
    "x": lambda row: row["multiplier"],
    "billed": lambda row: format_usd(row["billed_cost_nano"]),
    "paid by grants": lambda row: format_usd(row["drawn_nano"]),
    "tier": lambda row: row["tier"],
    "state": lambda row: row["state"],
}
_CHARGE_NUMBERS = (
    *("quantity", "included", "records", "list cost", "x", "billed", "paid by grants"),
)


def _charge_table(found: "Iterable[Answer]", without: "Collection[str]") -> Table:
    cells = {name: cell for name, cell in _CHARGE_CELLS.items() if name not in without}
    rows = (tuple(cell(row) for cell in cells.values()) for row in found)
    return Table(tuple(cells), rows, right=_CHARGE_NUMBERS)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@click.pass_obj
def reprice(context: Context, file: Path, *, as_json: bool) -> None:
    """Show what balances would be under a proposed rule book, before it is committed.

    FILE has the name of a rule file, such as prices.toml; the others are taken from the rule
    book in force. `books rules set FILE --repriced -` takes the JSON, and shows and checks it.

    \b
    aggregator reprice prices.toml --json | books rules set prices.toml --repriced -
    """
    from aggregator.reports.reprice import read_proposed
    from aggregator.reports.reprice import reprice as reprice_with

    store = context.reading()
    cost_max_nano = context.config().charge_cost_max_usd * NANO
    found = reprice_with(store, read_proposed(file), cost_max_nano, now())
    if as_json:
        print_json(found)
        return
    columns = ("billed now", "billed then", "difference", "balance then")
    print_table(
        ("user", *columns),
        (
            (
                row["user"],
                format_usd(row["billed_cost_nano"]),
                format_usd(row["proposed_billed_cost_nano"]),
                format_usd(row["difference_nano"]),
                format_usd(row["proposed_balance_nano"]),
            )
            for row in found["accounts"]
        ),
        right=columns,
    )
    click.echo(
        f"{found['charges_changed']} of {counted(found['charges'], 'charge')} would change;"
        f" {format_usd(found['difference_nano'])} USD in all"
    )
    for state, count in found["unrated_charges"].items():
        if count:
            click.echo(f"{counted(count, 'charge')} would be {state}")
