"""`nodes`, `incidents`, `rejects` and `held`: what came from where, and what did not count."""

from typing import Any

import click

from aggregator import reports
from aggregator.cli.context import Context, json_option
from support.terminal import escape, print_json, print_table

_COMMIT_SHOWN = 12


@click.command()
@json_option
@click.pass_obj
def nodes(context: Context, *, as_json: bool) -> None:
    """Show where every repo stands: cursor, gaps, epochs, incidents."""
    found = reports.nodes(context.reading())
    if as_json:
        print_json(found)
        return
    numbers = ("behind", "records", "duplicates", "held", "rejected", "highest seq")
    print_table(
        ("repo", "outcome", "checked", "cursor", *numbers, "epochs", "last commit", "incidents"),
        [
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
        ],
        right=numbers,
    )
    for row in found:
        for gap in row["gaps"]:
            click.echo(f"gap  {row['node']}: {gap['first_seq']}..{gap['last_seq']} never arrived")
        for epoch in row["unproved_tails"]:
            click.echo(
                f"tail {row['node']}: epoch {epoch} ended when the node was set up anew; records"
                " it lost before a push cannot be named"
            )


@click.command()
@click.option("--all", "closed", is_flag=True, help="Those that are over too.")
@json_option
@click.pass_obj
def incidents(context: Context, *, closed: bool, as_json: bool) -> None:
    """Show what a person has to look at, and what to do."""
    found = reports.incidents(context.reading(), closed=closed)
    if as_json:
        print_json(found)
        return
    for row in found:
        over = f", over since {row['closed_at']}" if row["closed_at"] else ""
        click.echo(f"{row['repo']}: {row['kind']} since {row['opened_at']}{over}")
        click.echo(f"  {escape(row['detail'])}")
        click.echo(f"  {row['advice']}")
    if not found:
        click.echo("no incidents" if closed else "no open incidents")


@click.command()
@json_option
@click.pass_obj
def rejects(context: Context, *, as_json: bool) -> None:
    """Show lines and files that are not valid, with where and why."""
    _print_lines(reports.rejects(context.reading()), "reason", as_json=as_json)


@click.command()
@json_option
@click.pass_obj
def held(context: Context, *, as_json: bool) -> None:
    """Show well-formed lines that are not billed, with where and why."""
    _print_lines(reports.held(context.reading()), "meaning", as_json=as_json)


def _print_lines(found: list[dict[str, Any]], reason_key: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for row in found:
        where = f"{row['commit']}:{row['path']}"
        click.echo(f"{row['node']}: {escape(row[reason_key])}")
        line = f"  # line {row['line_no']}" if row["line_no"] else ""  # 0 is the whole file
        click.echo(f"  git show {escape(where)}{line}")
        if row["line"]:
            click.echo(f"  {escape(row['line'])}")
    if not found:
        click.echo("none")


COMMANDS = (nodes, incidents, rejects, held)
