"""`export hledger`: a journal of double entries."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context, now
from aggregator.cli.export.output import a_file
from aggregator.cli.reports.periods import period as period_of
from gitmeter.support.terminal import Text, escape

if TYPE_CHECKING:
    from aggregator.reports.exports.journal.entries import EntriesBy
    from aggregator.reports.periods.period import Period


@click.command()
@click.option(
    "--period",
    type=period_of,
    default="all",
    show_default=True,
    help="Such as 2026, 2026-Q4, 2026-10, 2026-10-31, last-month, 2026-10..2026-12 or all; UTC.",
)
@click.option(
    "--by",
    type=click.Choice(("day", "month")),
    default="day",
    show_default=True,
    help="Combine usage, fees and grants into one entry each per day or month.",
)
@click.option(
    "--out",
    type=a_file,
    metavar="FILE",
    help="The file. Default: standard output.",
)
@click.pass_obj
def hledger(context: Context, period: "Period", by: "EntriesBy", out: Path | None) -> None:
    """Write a journal of double entries for hledger, which balances to the ledger.

    It has an entry for each line of money that changes what a customer has, and for each day (or
    month) one of usage, by resource, one of the fees of plans, and those of grants that begin and
    end. In the end liabilities are what `aggregator liability` says, and the revenue is that of
    `aggregator revenue`. A period that has something before it begins with opening balances. What
    is still to come is left out: a period that is not over ends now.

    Amounts have every nano-dollar. Provider fees are not recorded in the ledger, so they are
    not included.

    \b
    aggregator export hledger --period 2026 --by month --out 2026.journal
    hledger -f 2026.journal check --strict
    hledger -f 2026.journal incomestatement
    """
    from aggregator.proof.past import made_from
    from aggregator.reports.exports.journal.journal import journal_entries, journal_head
    from aggregator.reports.exports.journal.writing import entry_texts, head_lines
    from wire_format.instants import hour_of

    end_hour = hour_of(now()) + 1
    told = period.until(end_hour)
    if told.first_hour == told.end_hour:
        raise click.BadParameter(f"{period.name!r} has not begun", param_hint="'--period'")
    if out is not None and out.suffix.lower() in {".csv", ".parquet"}:
        raise click.BadParameter(
            "a journal is text: end its name in .journal", param_hint="'--out'"
        )
    store, used = context.reading(), set[str]()
    with store.view():
        head = journal_head(store, period, end_hour, made_from(store))
        entries = Text(entry_texts(journal_entries(store, told, by), used))
    texts = Text(head_lines(head, used)), entries
    if out is None:
        for text in texts:
            text.print()
        return
    from gitmeter.support.files import replacing

    with replacing(out) as stream:
        for text in texts:
            text.write_to(stream)
    noun = "entry" if entries.count == 1 else "entries"
    click.echo(f"{escape(str(out))}: {entries.count} {noun}")
