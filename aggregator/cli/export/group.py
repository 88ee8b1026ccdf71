"""`export ...`: files for other programs."""

from typing import Final

import click

from gitmeter.support.lazy_group import LazyCommand, LazyGroup

_COMMANDS: Final = {
    "charges": LazyCommand(
        "aggregator.cli.export.tables:charges",
        "Write a row for each charge of a period, of USER or of all users.",
    ),
    "payments": LazyCommand(
        "aggregator.cli.export.tables:payments",
        "Write a row for each money or account line dated in a period, of USER or of all users.",
    ),
    "focus": LazyCommand(
        "aggregator.cli.export.focus:focus",
        "Write the charges of a period as a FinOps FOCUS 1.2 dataset.",
    ),
    "hledger": LazyCommand(
        "aggregator.cli.export.hledger:hledger",
        "Write a journal of double entries for hledger, which balances to the ledger.",
    ),
}


@click.group(cls=LazyGroup, commands=_COMMANDS)
def export() -> None:
    """Write files for other programs: every figure exact, every text as it is.

    Rows are streamed, so that a million of them need no more memory than a thousand. A file is
    replaced once it is whole. In Parquet amounts are exact decimals; it needs pyarrow:
    pip install 'gitmeter[parquet]'.

    CSV for a spreadsheet is --csv of the reports: texts that a spreadsheet would run are escaped
    there.
    """
