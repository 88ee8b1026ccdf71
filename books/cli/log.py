"""`books log`: what was entered, line by line, and who entered it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from books.cli.accounts.line_text import line_text
from books.cli.line_json import line_json
from gitmeter.support.table import Table
from gitmeter.support.terminal import JsonList
from node_pusher.cli.home import json_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from books.history import Entry
    from gitmeter.support.printout import Printout
    from wire_format.lines import Line, Money

_HEADERS = ("when", "seq", "what", "user", "who, and why", "commit")
_SHOWN_HASH = 12
_SECONDS = "%Y-%m-%dT%H:%M:%SZ"


@click.command()
@click.option("-n", "count", type=click.IntRange(min=1), help="How many commits.")
@json_option
@click.pass_obj
def log(home: Path, /, count: int | None, *, as_json: bool) -> None:
    """Show what was entered in these books, newest first.

    Each line of money, accounts and decisions, and each change of the rule book; lines that are not
    committed yet come first. git itself shows the same and more: git -C HOME/repo.git log -p.
    """
    from books.history import entries, waiting_lines
    from node_pusher.home.settings_file import read_home
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        waiting = waiting_lines(spool)
        found = entries(read_home(home, "books"), count)
        answer: Printout
        if as_json:
            answer = JsonList(_entry_json(entry, lines) for entry, lines in found)
        else:
            answer = Table(_HEADERS, _rows(waiting, found), right=["seq"])
    answer.print()


def _entry_json(entry: "Entry", lines: "list[Line] | None") -> "Entry":
    return entry | {"lines": None if lines is None else [line_json(line) for line in lines]}


def _rows(
    waiting: "list[tuple[Line, str]]", found: "Iterable[tuple[Entry, list[Line] | None]]"
) -> "Iterator[list[str]]":
    for line, by in reversed(waiting):
        yield _row(line, by, "not committed")
    for entry, lines in found:
        commit = str(entry["commit"])[:_SHOWN_HASH]
        place = commit if entry["pushed"] else f"{commit}, not pushed"
        by, why = str(entry["by"] or ""), str(entry["reason"] or "")
        if lines:
            yield from (_row(line, by, place) for line in reversed(lines))
        else:
            what = str(entry["subject"])
            yield [entry["committed_at"], _span(entry), what, "", _said(by, why), place]


def _row(line: "Line", by: str, place: str) -> list[str]:
    from books.decision_status import describe
    from wire_format.lines import Account, Decision, Usage

    when, seq = f"{line.ts:{_SECONDS}}", str(line.seq)
    if isinstance(line, Decision):
        return [when, seq, describe(line), "", _said(line.by, line.reason), place]
    if isinstance(line, Usage):
        raise TypeError(f"books have no lines such as {line}")
    said = _said(by or line.by or "", line.reason or "")
    what = line_text(line) if isinstance(line, Account) else _movement(line)
    return [when, seq, what, line.user, said, place]


def _movement(line: "Money") -> str:
    from wire_format.instants import format_ts

    of = "" if line.refers_to is None else f" of seq {line.refers_to}"
    of += "" if line.of_ref is None else f" of {line.of_provider or line.provider} {line.of_ref}"
    amount = f" {line.amount} {line.currency}" if line.amount else ""
    amount += "" if line.from_ is None else f" from {format_ts(line.from_)}"
    amount += "" if line.until is None else f" until {format_ts(line.until)}"
    ref = "" if line.external_ref is None else f", {line.provider} {line.external_ref}"
    status = "" if line.status in {"succeeded", None} else f", {line.status}"
    return f"{line.kind}{of}{amount}{ref}{status}"


def _said(by: str, why: str) -> str:
    return ": ".join(filter(None, (by, why)))


def _span(entry: dict[str, Any]) -> str:
    first, last = entry["first_seq"], entry["last_seq"]
    return "" if first is None else str(first) if first == last else f"{first}..{last}"
