"""`books rules set`, `add`, `edit` and `undo`: changes of the rule book."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from books.cli.acts import RULE_FILE_NAMES, WINDOWS, change_options
from books.cli.instants import InstantType
from books.cli.rule_output import print_change, print_faults, print_refusal
from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import escape
from wire_format.fields import APPLIES_TO

if TYPE_CHECKING:
    from books.rule_book.change import Propose
    from books.rule_book.repriced import Repriced


@click.command("set")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--repriced",
    type=click.File("rb"),
    metavar="FILE",
    help="The answer of `aggregator reprice --json` about this file, - for standard input: shows"
    " what changes in the ledger. If that is nothing, no reason is required for the past.",
)
@change_options
@click.pass_obj
def set_(home: Path, /, file: Path, *, repriced: BinaryIO | None, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Put FILE into the rule book; its name says which part, such as prices.toml or writers.toml.

    It shows what is added, changed and removed, and which hours in the past that rates anew. What
    hours in the past use is removed or changed only with --reason, and so is anything by a file
    that was made from an older rule book than the newest one here. An invalid file is refused with
    a list of all its faults.

    \b
    books rules export prices.toml > prices.toml
    books rules set prices.toml --dry-run
    aggregator reprice prices.toml --json | books rules set prices.toml --repriced -
    books rules set prices.toml --reason "as agreed with everybody" && books push
    """
    from books.rule_book.change import propose_file
    from books.rule_book.rules import RuleFileError, read_rule_file

    try:
        path, data = read_rule_file(file)
        answer = None if repriced is None else _answer(repriced)
    except RuleFileError as error:
        return print_faults(error)
    return _change(home, propose_file(path, data), file=file, repriced=answer, **options)


def _answer(stream: BinaryIO) -> "Repriced":
    from books.rule_book.repriced import REPRICED_BYTES_MAX, read_repriced

    return read_repriced(stream.read(REPRICED_BYTES_MAX + 1))


@click.command()
@click.argument("resource")
@click.argument("usd", required=False)
@click.option(
    "--per",
    type=click.IntRange(min=1),
    metavar="UNITS",
    help="How many units USD is for, also that of tiers. Default: 1.",
)
@click.option(
    "--tier",
    "tiers",
    multiple=True,
    metavar="UP_TO=USD[+FLAT]",
    help="USD of the units up to this one, in place of one USD for all; repeated, ascending, the"
    " last one as rest=USD. FLAT is due once, with the first unit that lies in the tier.",
)
@click.option(
    "--volume",
    is_flag=True,
    help="All units of the window have the rate of the tier that the last one lies in.",
)
@click.option(
    "--package",
    type=click.IntRange(min=1),
    metavar="SIZE",
    help="Sell units only in packages of SIZE, for USD each; a part of one costs what all of it"
    " does.",
)
@click.option(
    "--window",
    type=click.Choice(WINDOWS),
    default="hour",
    show_default=True,
    help="For how long the units are counted that tiers and packages are about: days and months"
    " of UTC, or the cycle of the account's plan.",
)
@click.option("--user", help="Bind the price to one account.")
@click.option(
    "--from",
    "from_",
    type=InstantType(hours_only=True),
    help="First hour at which the price applies. Default: the coming hour.",
)
@click.option(
    "--until",
    type=InstantType(hours_only=True),
    help="First hour at which a price with --user no longer applies.",
)
@click.option(
    "--applies-to",
    type=click.Choice(APPLIES_TO),
    help="Bind the price to one discount category; required under vm/.",
)
@change_options
@click.pass_obj
def add(home: Path, /, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Add a price to prices.toml: RESOURCE costs USD, from the coming hour on or --from.

    It holds until a later price of the same resource; the one before it stays for the hours before.
    A price with --user takes precedence for that account, and ends at --until if that is stated.

    \b
    books rules add vm/small/seconds 0.05 --per 3600 --applies-to vm
    books rules add hero_os/seconds 0.10 --per 3600 --from 2026-01-01
    books rules add llm/acme/tiny/tokens --per 1000000 --tier 50000000=2.00 --tier rest=1.50 \\
        --window month
    books rules add mail/messages --tier 1000=0.01+5.00 --tier rest=0.005 --volume --window month
    books rules add sms/messages 1.00 --package 10 --window day
    books rules add mail/messages 0.004 --user alice --until 2027-01-01
    """
    from books.rule_book.adding import AskedPrice, propose_price
    from books.rule_book.rules import RuleFileError

    asked = AskedPrice(**{name: options.pop(name) for name in AskedPrice._fields})
    try:
        propose = propose_price(asked, now=datetime.now(UTC))
    except RuleFileError as error:
        return print_faults(error)
    return _change(home, propose, **options)


@click.command()
@click.argument("name", type=click.Choice(RULE_FILE_NAMES), default="prices.toml")
@change_options
@click.pass_obj
def edit(home: Path, /, name: str, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Edit a file of the rule book with $VISUAL or $EDITOR, then set it as `books rules set` does.

    What is refused is kept in a file whose name is shown, and can be set again.

    \b
    books rules edit
    books rules edit discounts.toml --reason "no discount for new users"
    """
    from tempfile import mkdtemp

    from books.rule_book.change import propose_file
    from books.rule_book.rules import RULE_FILES, export_rules, read_rule_file
    from gitmeter.support.errors import GitmeterError
    from node_pusher.home.settings_file import read_home
    from node_pusher.repo.ledger_repo import LedgerRepo

    before = export_rules(LedgerRepo(read_home(home, "books").repo), RULE_FILES[name])
    file = Path(mkdtemp(prefix="books-rules-"), name)
    file.write_bytes(before)
    code: int = ExitCode.FAILED
    try:
        click.edit(filename=str(file))
        path, data = read_rule_file(file)
        if data == before:
            click.echo("nothing to do: the file was not changed")
            code = ExitCode.OK
        else:
            code = _change(home, propose_file(path, data), file=file, **options)
    except (GitmeterError, click.ClickException):
        click.echo(f"your file is kept as {escape(str(file))}", err=True)
        raise
    if code == ExitCode.OK:
        file.unlink()
        file.parent.rmdir()
    else:
        click.echo(f"your file is kept as {escape(str(file))}", err=True)
    return code


@click.command()
@change_options
@click.pass_obj
def undo(home: Path, /, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Take back the newest change of the rule book, with a new commit.

    The history keeps both. What hours in the past use is removed or changed only with --reason.
    `books rules undo` once more brings the change back.
    """
    from books.rule_book.undo import propose_undo

    return _change(home, propose_undo, **options)


def _change(  # noqa: PLR0913 - click passes options by name
    home: Path,
    propose: "Propose",
    *,
    by: str,
    reason: str | None,
    dry_run: bool,
    as_json: bool,
    file: Path | None = None,
    repriced: "Repriced | None" = None,
) -> int:
    """Change the rule book and print it; returns the exit code."""
    from books.rule_book.change import NotMeantError, change_rules
    from books.rule_book.rule_changes import Act
    from books.rule_book.rules import RuleFileError
    from node_pusher.home.settings_file import read_home

    act, now = Act(by, reason), datetime.now(UTC)
    try:
        settings = read_home(home, "books")
        done = change_rules(settings, propose, act, now, dry_run=dry_run, repriced=repriced)
    except RuleFileError as error:
        return print_faults(error)
    except NotMeantError as error:
        return print_refusal(error, file, as_json=as_json)
    return print_change(done, dry_run=dry_run, as_json=as_json)
