"""`books rules`: the rule book, by which usage is charged."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from books.cli.acts import RULE_FILE_NAMES
from books.cli.rule_edits import add, edit, set_, undo
from books.cli.rule_output import print_faults
from gitmeter.support.errors import ExitCode
from gitmeter.support.table import print_table
from gitmeter.support.terminal import escape, print_json

if TYPE_CHECKING:
    from wire_format.rule_book import RuleBook
    from wire_format.rule_files.prices_file import Price

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
    from node_pusher.repo.ledger_repo import LedgerRepo

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

    FILE has the name of a rule file, such as prices.toml; checking it needs no books.

    \b
    books rules check prices.toml
    """
    from books.rule_book.rules import RuleFileError, parse_rules, read_rule_file, read_rules
    from books.rule_book.rules import check_file as check_data
    from node_pusher.home.settings_file import read_home
    from node_pusher.repo.ledger_repo import LedgerRepo

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


@rules.command()
@click.argument("name", type=click.Choice(RULE_FILE_NAMES))
@click.pass_obj
def export(home: Path, /, name: str) -> None:
    """Print a file of the rule book at the newest commit here, to be changed and set again.

    Its first line says which rule book it was made from, so that `books rules set` can tell whether
    that has changed by then. The line stays out of the books.

    \b
    books rules export prices.toml > prices.toml
    """
    from books.rule_book.rules import RULE_FILES, export_rules
    from node_pusher.home.settings_file import read_home
    from node_pusher.repo.ledger_repo import LedgerRepo

    repo = LedgerRepo(read_home(home, "books").repo)
    sys.stdout.buffer.write(export_rules(repo, RULE_FILES[name]))


@rules.command()
@click.option("-n", "count", type=click.IntRange(min=1), help="How many changes.")
@_json_option
@click.pass_obj
def history(home: Path, /, count: int | None, *, as_json: bool) -> None:
    """Show who changed the rule book when and why, newest first.

    git itself shows the same and more: git -C HOME/repo.git log -p -- rules
    """
    from itertools import islice

    from books.rule_book.history import rule_book_name, rule_versions
    from node_pusher.home.settings_file import read_home
    from node_pusher.repo.ledger_repo import LedgerRepo
    from wire_format.instants import format_ts

    repo = LedgerRepo(read_home(home, "books").repo)
    found = [
        {
            "committed_at": format_ts(version.committed_at),
            "commit": version.commit,
            "sha256": rule_book_name(repo, version),
            "by": version.by,
            "subject": version.subject,
            "reason": version.reason,
        }
        for version in islice(rule_versions(repo), count)
    ]
    if as_json:
        print_json(found)
        return
    print_table(
        ("committed", "commit", "rule book", "by", "what", "reason"),
        [
            (
                str(entry["committed_at"]),
                str(entry["commit"])[:12],
                str(entry["sha256"])[:12],
                entry["by"] or "",
                str(entry["subject"]).removeprefix("rules: "),
                entry["reason"] or "",
            )
            for entry in found
        ],
    )


for command in (set_, add, edit, undo):
    rules.add_command(command)


def _book_json(book: "RuleBook") -> dict[str, Any]:
    return {
        "sha256": book.sha256,
        "prices": [price.model_dump(mode="json", by_alias=True) for price in book.prices],
        "imported": [price.model_dump(mode="json", by_alias=True) for price in book.imported],
        "ladders": [ladder.model_dump(mode="json", by_alias=True) for ladder in book.ladders],
        "writers": _writer_rules(book),
    }


def _writer_rules(book: "RuleBook") -> dict[str, str]:
    """The content of writers.toml and fx.toml in words, by the name of each rule."""
    from books.rule_book.rule_changes import writers_by_name

    return writers_by_name(book)


def _print_book(book: "RuleBook") -> None:
    from books.rule_book.rule_changes import ladder_text
    from wire_format.instants import format_ts

    prices = [
        *((price, "prices.toml") for price in book.prices),
        *((price, "imported.toml") for price in book.imported),
    ]
    prices.sort(
        key=lambda found: (
            *(found[0].resource, found[0].applies_to or "", found[0].user or ""),
            found[0].from_,
        )
    )
    print_table(
        ("resource", "applies to", "for", "price", "from", "file"),
        (row for price, name in prices for row in _price_rows(price, name)),
    )
    if not book.prices and not book.imported:
        click.echo("no prices yet: `books rules set prices.toml` or `books prices import-llm`")
    for ladder in sorted(book.ladders, key=lambda ladder: ladder.from_):
        click.echo(f"ladder from {format_ts(ladder.from_)}: {ladder_text(ladder)}")
    for name, rule in _writer_rules(book).items():
        click.echo(escape(f"{name}: {rule}"))
    click.echo(f"rule book {book.sha256}")


def _price_rows(price: "Price", file_name: str) -> Iterator[tuple[str, ...]]:
    """The row of a price, and one more for each further tier and for its end."""
    from books.rule_book.rule_changes import price_parts
    from wire_format.instants import format_ts

    first, *more = price_parts(price)
    yield (
        *(price.resource, price.applies_to or "any", price.user or "all"),
        *(first, format_ts(price.from_), file_name),
    )
    for part in more:
        yield "", "", "", f"then {part}", "", ""
    if price.until is not None:
        yield "", "", "", "", f"until {format_ts(price.until)}", ""
