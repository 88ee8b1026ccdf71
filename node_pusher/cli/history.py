"""`status` and `log`: what was recorded, committed and pushed."""

from pathlib import Path
from typing import Any

import click

from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import json_option, load_home


@click.command()
@json_option
@click.pass_obj
def status(home: Path, /, as_json: bool) -> None:  # noqa: FBT001 - click
    """Show what is recorded, committed and pushed, without asking the remote."""
    from node_pusher.sending.history import status as read_status

    found = read_status(load_home(home))
    if as_json:
        print_json(found)
        return
    committed = found["records_in_waiting_commits"]
    waiting = _count(found["commits_waiting"], "commit")
    rows = [
        ["node", found["node"]],
        ["remote", f"{found['remote']} ({found['branch']})"],
        ["next seq", f"{found['next_seq']} (epoch {found['epoch']})"],
        ["not committed", _count(found["records_not_committed"], "record")],
        ["not pushed", f"{waiting} with {_count(committed, 'record')}"],
        ["last push", found["last_push_at"] or "never"],
        ["signing key", found["signing_key"] or "none: `init` makes one"],
        *(["earlier repo", f"{e['remote']} ({e['branch']})"] for e in found["earlier_repos"]),
    ]
    for name, value in rows:
        click.echo(f"{name + ':':<15} {escape(value)}")


@click.command()
@click.option("-n", "count", type=click.IntRange(min=1), help="How many commits.")
@click.option("--all", "earlier", is_flag=True, help="Commits in earlier repos too.")
@json_option
@click.pass_obj
def log(home: Path, /, count: int | None, *, earlier: bool, as_json: bool) -> None:
    """Show this node's history, newest first.

    git itself shows the same and more: git -C HOME/repo.git log (after a rollover repo.2.git, and
    so on).
    """
    from node_pusher.sending.history import log as read_log

    entries = read_log(load_home(home), count, earlier=earlier)
    if as_json:
        print_json(entries)
        return
    print_table(
        ["committed", "commit", "seq", "records", "what", "pushed"],
        (
            [
                entry["committed_at"],
                entry["commit"][:12],
                "" if entry["first_seq"] is None else f"{entry['first_seq']}..{entry['last_seq']}",
                str(entry["records"]),
                _what(entry),
                "yes" if entry["pushed"] else "no",
            ]
            for entry in entries
        ),
        right=["records"],
    )


def _what(entry: dict[str, Any]) -> str:
    totals = [f"{total['name']} {total['amount']}" for total in entry["totals"]]
    shown = ", ".join(totals[:3]) + (f" and {len(totals) - 3} more" if len(totals) > 3 else "")  # noqa: PLR2004 - fit a line
    what = shown or str(entry["subject"])
    by = f", by {entry['by']}" if entry["by"] else ""
    return what + by + (f": {entry['reason']}" if entry["reason"] else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
