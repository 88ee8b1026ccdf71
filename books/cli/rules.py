"""`books rules`: the rule book, by which usage is charged."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import escape, print_json, print_table

if TYPE_CHECKING:
    from books.rule_book.rules import RuleCommit, RuleFileError
    from wire_format.rule_book import RuleBook

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def rules() -> None:
    """Show and check the rule book, and change it with a reviewed file."""


@rules.command()
@_json_option
@click.pass_obj
def show(home: Path, /, *, as_json: bool) -> None:
    """Show the prices and the discount ladder at the newest commit here, pushed or not."""
    from books.rule_book.rules import parse_rules, read_rules
    from node_pusher.home.settings_file import read_home
    from node_pusher.sending.repo import LedgerRepo

    book = parse_rules(read_rules(LedgerRepo(read_home(home, "books").repo)))
    if as_json:
        print_json(_book_json(book))
    else:
        _print_book(book)


@rules.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@_json_option
@click.pass_obj
def check(home: Path, /, file: Path | None, *, as_json: bool) -> int:
    """Check FILE, or the rule book at the newest commit here; every fault is listed.

    FILE is named prices.toml or discounts.toml; checking it needs no books.

    \b
    books rules check prices.toml
    """
    from books.rule_book.rules import RuleFileError, parse_rules, read_rule_file, read_rules
    from books.rule_book.rules import check_file as check_data
    from node_pusher.home.settings_file import read_home
    from node_pusher.sending.repo import LedgerRepo

    try:
        if file is None:
            parse_rules(read_rules(LedgerRepo(read_home(home, "books").repo)))
        else:
            check_data(*read_rule_file(file), str(file), "fix these and check again")
    except RuleFileError as error:
        if not as_json:
            return print_faults(error)
        print_json({"usable": False, "faults": error.faults})
        return ExitCode.FAILED
    if as_json:
        print_json({"usable": True, "faults": []})
    else:
        click.echo(f"{escape(str(file or 'the rule book'))}: good")
    return ExitCode.OK


@rules.command("set")
@click.argument("file", type=click.Path(path_type=Path))
@_json_option
@click.pass_obj
def set_(home: Path, /, file: Path, *, as_json: bool) -> int:
    """Put FILE into the rule book; its name, prices.toml or discounts.toml, says which part.

    An invalid file is refused with a list of all its faults. Charges of the hours that it covers
    are rated again: preview them with `aggregator reprice FILE`.

    \b
    books rules set prices.toml && books push
    """
    from books.rule_book.rules import RuleFileError, read_rule_file, set_rule_file
    from node_pusher.home.settings_file import read_home

    try:
        path, data = read_rule_file(file)
        done = set_rule_file(read_home(home, "books"), path, data, datetime.now(UTC))
    except RuleFileError as error:
        return print_faults(error)
    print_json(commit_json(done)) if as_json else print_commit(done)
    return ExitCode.OK


def print_faults(error: "RuleFileError") -> int:
    """Print what is wrong with a rule file, a line for each fault; returns the exit code."""
    click.echo(f"error: {escape(error.headline)}:", err=True)
    for fault in error.faults:
        click.echo(f"  {escape(fault)}", err=True)
    if error.hint:
        click.echo(f"hint: {error.hint}", err=True)
    return error.exit_code


def print_commit(done: "RuleCommit | None") -> None:
    """Print what a new rule file changes; None if it changes nothing."""
    if done is None:
        click.echo("nothing to do: the rule book contains exactly that")
        return
    for line in done.changes.lines:
        click.echo(escape(line))
    click.echo(
        f"{done.path}: {done.changes.summary}; commit {done.commit[:12]},"
        f" rule book {done.sha256[:12]}; next: `books push`"
    )


def commit_json(done: "RuleCommit | None") -> dict[str, Any]:
    """What a new rule file changes, as JSON; None if it changes nothing."""
    if done is None:
        return {"commit": None, "added": [], "removed": [], "changed": []}
    return {
        "commit": done.commit,
        "path": done.path,
        "sha256": done.sha256,
        **done.changes._asdict(),
    }


def _book_json(book: "RuleBook") -> dict[str, Any]:
    return {
        "sha256": book.sha256,
        "prices": [price.model_dump(mode="json", by_alias=True) for price in book.prices],
        "ladders": [ladder.model_dump(mode="json", by_alias=True) for ladder in book.ladders],
    }


def _print_book(book: "RuleBook") -> None:
    from books.rule_book.rule_changes import ladder_text
    from wire_format.instants import format_ts

    print_table(
        ("resource", "applies to", "USD", "per", "from"),
        [
            (p.resource, p.applies_to or "any", p.usd, str(p.per), format_ts(p.from_))
            for p in sorted(book.prices, key=lambda p: (p.resource, p.applies_to or "", p.from_))
        ],
        right=("USD", "per"),
    )
    if not book.prices:
        click.echo("no prices yet: `books rules set prices.toml` or `books prices import-llm`")
    for ladder in sorted(book.ladders, key=lambda ladder: ladder.from_):
        click.echo(f"ladder from {format_ts(ladder.from_)}: {ladder_text(ladder)}")
    click.echo(f"rule book {book.sha256}")
