"""`books reconcile`: compare what tills wrote with what providers say."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from books.cli.reconcile.output import outcome_json, print_last, print_outcome
from gitmeter.support.terminal import print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from books.reconcile.outcome import Reconciliation
    from books.reconcile.report import PaymentsReport

_QUESTIONS_MAX: Final = 2000
_MINUTES_MAX: Final = 30
_STEP: Final = 20


@click.command()
@click.option(
    "--keys",
    "place",
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE|DIR",
    help="reconcile.toml, or the folder that it is in. Required, except with --last.",
)
@click.option("--dry-run", is_flag=True, help="Compare; record and remember nothing.")
@click.option("--push", "pushes", is_flag=True, help="Then do what `books push` does.")
@click.option(
    "--old", is_flag=True, help="Take an answer of the aggregator that is older than an hour."
)
@click.option("--last", is_flag=True, help="Show the differences of the last run; ask nobody.")
@click.option(
    "--max-questions",
    "questions_max",
    type=click.IntRange(min=1),
    default=_QUESTIONS_MAX,
    show_default=True,
    help="About how many payments providers are asked at most; the next run goes on.",
)
@click.option(
    "--max-minutes",
    "minutes_max",
    type=click.FloatRange(min=0, min_open=True),
    default=_MINUTES_MAX,
    show_default=True,
    help="How long they are asked at most.",
)
@click.option(
    "--by",
    metavar="NAME",
    default="reconcile",
    show_default=True,
    help="Who decides; shown in audits.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def reconcile(home: Path, /, *, last: bool, as_json: bool, **options: Any) -> int:  # noqa: ANN401 - click passes options by name
    """Compare the lines of tills with what their providers say.

    Standard input is what the aggregator knows of them:

    \b
    aggregator payments --unconfirmed --json | books reconcile --keys /etc/gitmeter --push

    Each payment, refund and dispute that counts or waits must be at its provider, with this amount,
    currency, user and time; what a provider says of ours must be a line after 26 hours. What agrees
    becomes decisions `reconciled`, and no limit of an unconfirmed till holds it any more. Once a
    day the tip of each till and desk is seen (`books decide seen --help`). An undecided payment is
    listed until the books have a line about it, and is neither compared nor confirmed.

    A difference is printed with the command that takes its line back, by this run and each later
    one, until it is gone; the exit code is then 1. If a provider does not answer, nothing is
    decided about its lines, and the exit code is 75.

    reconcile.toml names a key for each account of rules/writers.toml; one that may only read is
    enough:

    \b
    [[account]]
    name = "stripe"
    key_file = "stripe.key"
    tag_key_file = "tag.key"    # optional: the tills' own, to see whether a tag is theirs
    """
    if last:
        return print_last(home, as_json=as_json)
    if options["place"] is None:
        raise click.UsageError("--keys is missing: it names the folder of reconcile.toml")
    outcome = _reconcile(home, **{name: options[name] for name in options if name != "pushes"})
    if as_json:
        print_json(outcome_json(outcome, dry_run=options["dry_run"]))
    else:
        print_outcome(outcome, dry_run=options["dry_run"], pushes=options["pushes"])
    if options["pushes"] and not options["dry_run"]:
        from node_pusher.home.settings_file import read_home
        from node_pusher.sending.push import push

        push(read_home(home, "books"), datetime.now(UTC))
    return outcome.exit_code


def _reconcile(
    home: Path,
    *,
    place: Path,
    dry_run: bool,
    old: bool,
    questions_max: int,
    minutes_max: float,
    by: str,
) -> "Reconciliation":
    """Read everything, and compare."""
    from books.reconcile.account import Means
    from books.reconcile.accounts import open_account, read_accounts
    from books.reconcile.asking import Budget
    from books.reconcile.run import reconcile as compare
    from books.rule_book.rules import parse_rules, read_rules
    from node_pusher.home.settings_file import read_home
    from node_pusher.repo.ledger_repo import LedgerRepo
    from node_pusher.spool.api import Spool

    rules = parse_rules(read_rules(LedgerRepo(read_home(home, "books").repo)))
    accounts = read_accounts(place)
    with Spool.open(home, role="books") as spool:
        report = _report(spool.now(), old=old)
        budget = Budget(questions_max, minutes_max * 60, _progress())
        means = Means(rules.fx, open_account, budget, spool.now())
        return compare(spool, report, rules.writers, accounts, means, by, dry_run=dry_run)


def _report(now: datetime, *, old: bool) -> "PaymentsReport":
    from books.reconcile.report import BYTES_MAX, check_age, read_report

    report = read_report(sys.stdin.buffer.read(BYTES_MAX + 1))
    if not old:
        check_age(report, now)
    return report


def _progress() -> "Callable[[], object]":
    """Show how many questions were asked, if a person is there to see it."""
    if not sys.stderr.isatty():
        return lambda: None
    asked = iter(range(1, 1 << 62))

    def show() -> None:
        if (number := next(asked)) % _STEP == 0:
            click.echo(f"\rasked about {number:,} payments", err=True, nl=False)

    return show
