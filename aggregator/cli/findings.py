"""`nodes`, `incidents`, `unpriced`, `rejects`, `held`, `rewrites`, `decisions`: what to look at."""

from pathlib import Path
from typing import Any

import click

from aggregator.cli.context import Context, json_option, now
from aggregator.cli.git_lines import git_show
from gitmeter.support.table import print_table
from gitmeter.support.terminal import JsonList, Text, counted, escape, print_json
from wire_format.money import format_usd
from wire_format.versions.agreement import DECISION_ABOUT

_COMMIT_SHOWN = 12
_TRIED_MAX = 20
_EFFECTS_SHOWN = 5
_LINES_SHOWN = 10


@click.command()
@json_option
@click.pass_obj
def nodes(context: Context, *, as_json: bool) -> None:
    """Show the state of every repo: cursor, gaps, epochs, incidents."""
    from aggregator.reports import repos

    found = repos.nodes(context.reading())
    if as_json:
        print_json(found)
        return
    numbers = ("behind", "records", "duplicates", "held", "rejected", "highest seq")
    print_table(
        ("repo", "outcome", "checked", "cursor", *numbers, "epochs", "last commit", "incidents"),
        (
            (
                row["repo"],
                row["outcome"] or "",
                row["checked_at"] or "never",
                (row["cursor"] or "")[:_COMMIT_SHOWN],
                str(row["behind"]),
                str(row["records"]),
                str(row["duplicates"]),
                str(row["held"]),
                str(row["rejected"]),
                str(row["highest_seq"] or ""),
                ", ".join(map(str, row["epochs"])),
                row["last_commit_at"] or "",
                str(row["open_incidents"] or ""),
            )
            for row in found
        ),
        right=numbers,
    )
    for row in found:
        for gap in row["gaps"]:
            click.echo(f"gap  {row['node']}: {gap['first_seq']}..{gap['last_seq']} never arrived")
        for tail in row["unproved_tails"]:
            first, last = tail["first_epoch"], tail["last_epoch"]
            which = f"epoch {first}" if first == last else f"epochs {first}..{last}"
            click.echo(
                f"tail {row['node']}: {which} ended when the node was set up again; records lost"
                " then before a push cannot be named"
            )
    if copied := [row["copied_at"] for row in found if row["copied_at"]]:
        shown = f"{len(copied)} of {counted(len(found), 'repo')}"
        click.echo(f"copy remote: {shown}, the oldest as of {min(copied)}")


@click.command()
@click.option("--all", "closed", is_flag=True, help="Closed ones too.")
@json_option
@click.pass_obj
def incidents(context: Context, *, closed: bool, as_json: bool) -> None:
    """Show what needs attention, what to do, and the command of a decision that ends it."""
    from aggregator.incidents.kinds import ABOUT_CHARGES
    from aggregator.reports import proposals, repos

    store = context.reading()
    found = repos.incidents(store, closed=closed)
    for row in found:
        row["command"] = (
            None
            if row["closed_at"]
            else proposals.of_incident(row["repo"], row["role"], row["kind"], row["subject"])
        )
    if as_json:
        print_json(found)
        return
    for row in found:
        over = f", closed at {row['closed_at']}" if row["closed_at"] else ""
        about = row["repo"] or ("the ledger" if row["kind"] in ABOUT_CHARGES else "the forge")
        click.echo(f"{about}: {row['kind']} since {row['opened_at']}{over}")
        click.echo(f"  {escape(row['detail'])}")
        click.echo(f"  {row['advice']}")
        if row["command"] is not None:
            click.echo(f"  {escape(row['command'])}")
    if not found:
        click.echo("no incidents" if closed else "no open incidents")


@click.command()
@click.argument("user", required=False)
@json_option
@click.pass_obj
def unpriced(context: Context, user: str | None, *, as_json: bool) -> None:
    """Show usage that is not billed in full, of all users or of USER, and what mends it.

    Usage without a price, or with prices for other discount categories only, costs nothing so far.
    A charge beyond charge_cost_max_usd costs that limit. Once the cause is mended, all of the usage
    is billed, from its first hour on.
    """
    from aggregator.reports.unrated import unrated

    found = unrated(context.reading(), user)
    if as_json:
        print_json(found)
        return
    for row in found:
        click.echo(f"{row['state']}: {row['detail']}")
        click.echo(f"  {row['advice']}")
        for line in (row["price_toml"] or "").splitlines():
            click.echo(f"    {line}")
        if row["command"] is not None:
            if row["price_toml"] is not None:
                click.echo("  or import it, if it is a known price of a model:")
            click.echo(f"    {escape(row['command'])}")
    if not found:
        click.echo("none: all usage is billed in full")


@click.command()
@json_option
@click.pass_obj
def rejects(context: Context, *, as_json: bool) -> None:
    """Show lines and files that are not valid: where they are, and why.

    No decision can make them count. Fix the program that wrote them, and record the same facts
    again. They are judged again when a newer version of the aggregator accepts more.
    """
    from aggregator.reports import repos

    store, state = context.reading(), context.state_path()
    with store.view():
        found = repos.rejects(store)
        answer = (
            JsonList(found)
            if as_json
            else Text(_line_text(row, row["reason"], state) for row in found)
        )
    answer.print()
    if not as_json and not answer.count:
        click.echo("none")


@click.command()
@click.option(
    "--effects/--no-effects",
    default=True,
    show_default=True,
    help="Try each decision on a copy of the ledger, and show what it would change in balances.",
)
@click.option("--all", "is_all", is_flag=True, help="Lines that are decided, too.")
@json_option
@click.pass_obj
def held(context: Context, *, effects: bool, is_all: bool, as_json: bool) -> None:
    """Show valid lines that are not billed: where, why, and what a decision would change.

    Lines that are excluded, or against which another line was chosen, are decided; `aggregator
    decisions` shows them. Effects are tried for the first 20 lines about which there is something
    to decide.
    """
    from aggregator.reports.remedies import held_with_remedies

    state, store = context.state(), context.reading()
    found, decided = held_with_remedies(
        state, store, now(), tried_max=_TRIED_MAX if effects else 0, is_all=is_all
    )
    if as_json:
        print_json(found)
        return
    for row in found:
        click.echo(_line_text(row, row["meaning"], state.config.state))
        click.echo(f"  {row['advice']}")
        if row["command"] is not None:
            click.echo(f"    {escape(row['command'])}")
        if row["trouble"]:
            click.echo(f"    cannot be tried: {escape(row['trouble'])}")
        _print_effects(row["effects"])
    if not found:
        click.echo("none")
    if decided:
        click.echo(f"{counted(decided, 'more line')} decided: see `aggregator decisions`")


@click.command()
@json_option
@click.pass_obj
def rewrites(context: Context, *, as_json: bool) -> None:
    """Show histories that await a decision, and what accepting them would change.

    Shown are the lines that would be repeated and added, the balances that would change, and the
    command that accepts the history. What was billed from a replaced history stays billed unless
    you exclude it. This command itself changes nothing.
    """
    from aggregator.incidents.advice import advice
    from aggregator.incidents.kinds import IncidentKind
    from aggregator.reports.remedies import rewrite_answer
    from aggregator.reports.rewrites import rewrites as find_rewrites

    found = [rewrite_answer(r) for r in find_rewrites(context.state(), context.reading(), now())]
    if as_json:
        print_json(found)
        return
    for row in found:
        click.echo(f"{row['repo']}: {row['kind']}")
        if row["trouble"]:
            click.echo(f"  cannot be examined: {escape(row['trouble'])}")
            continue
        click.echo(f"  billed up to {row['cursor'] or 'nothing yet'}, fetched {row['head']}")
        click.echo(f"  both build on {row['base'] or 'nothing'}")
        click.echo(
            f"  {counted(len(row['replaced']), 'billed commit')} replaced,"
            f" {counted(len(row['commits']), 'commit')} to apply"
        )
        if row["new"] is None:
            click.echo("  too many lines to compare one by one")
        else:
            click.echo(
                f"  {counted(row['new'], 'line')} new, {row['repeated']} repeated,"
                f" {row['gone']} gone (they stay billed)"
            )
        _print_effects(row["effects"])
        if row["command"] is not None:
            click.echo(f"    {row['command']}")
        elif row["role"] == "books" and row["commits"]:
            click.echo(f"    {advice(IncidentKind(row['kind']), row['role'])}")
        else:
            click.echo("    nothing to accept: the head is a commit that was billed before")
    if not found:
        click.echo("none")


@click.command()
@json_option
@click.pass_obj
def decisions(context: Context, *, as_json: bool) -> None:
    """Show the operator's decisions: who took them, why, and which have no effect."""
    from aggregator.reports.decisions import decision_list

    found = decision_list(context.reading())
    if as_json:
        print_json(found)
        return
    for row in found:
        about = " ".join(str(row[key]) for key in DECISION_ABOUT if row[key] is not None)
        over = "" if row["in_force"] or row["kind"] == "withdraw" else " (withdrawn)"
        click.echo(f"{row['node']} seq {row['seq']}: {row['kind']} {escape(about)}{over}")
        click.echo(f"  {row['ts']}, {escape(row['by'])}: {escape(row['reason'])}")
        if row["remark"] is not None:
            click.echo(f"  no effect so far: {escape(row['remark'])}")
        for line in row["lines"][:_LINES_SHOWN]:
            where = f"{line['commit']}:{line['path']}"
            shown = git_show(context.state_path(), line["repo"], where, line["line_no"])
            click.echo(f"  not billed: {line['node']} seq {line['seq']}\n    {shown}")
        if (more := len(row["lines"]) - _LINES_SHOWN) > 0:
            click.echo(f"  not billed: {counted(more, 'more line')}")
    if not found:
        click.echo("none")


def _line_text(row: dict[str, Any], reason: str, state: Path) -> str:
    where = git_show(state, row["repo"], f"{row['commit']}:{row['path']}", row["line_no"])
    line = f"\n  {escape(row['line'])}" if row["line"] else ""
    return f"{row['node']}: {escape(reason)}\n  {where}{line}"


def _print_effects(effects: list[dict[str, Any]] | None) -> None:
    """Print the balances that a decision would change; None if it was not tried."""
    if effects is None:
        return
    for effect in effects[:_EFFECTS_SHOWN]:
        before, then = (format_usd(effect[key]) for key in ("balance_nano", "balance_then_nano"))
        click.echo(f"    balance of {escape(effect['user'])}: {before} now, {then} then")
    if len(effects) > _EFFECTS_SHOWN:
        click.echo(f"    and {len(effects) - _EFFECTS_SHOWN} more balances")
    if not effects:
        click.echo("    no balance would change")
