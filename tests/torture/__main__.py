"""Kill the real programs at random moments: `python -m tests.torture --help`."""

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.torture import report
from tests.torture.place import SetupError
from tests.torture.torture import Result, torture

BROKEN: Final = Path(__file__).parent / "broken"
_SEED_BITS: Final = 32


@click.command()
@click.option("--kills", type=click.IntRange(min=1), default=300, show_default=True,
              help="How many living processes are to be killed.")  # fmt: skip
@click.option("--seed", type=int, help="Of what is sent and when it is killed; default: a new one.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path),
              help="A new folder for everything; it is kept. Without it, one that is kept only"
              " when something is wrong.")  # fmt: skip
@click.option("--broken", type=click.Choice(sorted(path.name for path in BROKEN.iterdir())),
              help="Break the programs like this first: shows that it is found.")  # fmt: skip
def main(kills: int, seed: int | None, keep: Path | None, broken: str | None) -> None:
    """Kill the real programs with SIGKILL at random moments, and look whether anything was lost.

    Clients stream uses into `node-pusher record -` and retry with the same id after a kill, an
    operator records payments, timers push, an aggregator pulls and runs as a daemon: all at the
    same time, over http to git's own server, and each killed again and again. Once all have come to
    their end undisturbed, every acknowledged record must be billed once, a retried one once, any
    other at most once; the numbers have no gap, `aggregator verify` matches, and the balances are
    those of a naive reference.

    \b
    python -m tests.torture --kills 300
    python -m tests.torture --kills 60 --seed 7 --broken ids_forgotten
    """
    if seed is None:
        seed = secrets.randbits(_SEED_BITS)
    folder = keep or Path(tempfile.mkdtemp(prefix="gitmeter-torture-"))
    click.echo(f"{kills:,} kills, seed {seed}, in {folder}")
    try:
        result = _run(folder.resolve(), kills, seed, broken)
    except (SetupError, TimeoutError) as error:
        click.echo(f"\nWRONG: {error}")
    else:
        _tell(result)
        if not result.wrong:
            if keep is None:
                shutil.rmtree(folder)
            return
    again = f"python -m tests.torture --kills {kills} --seed {seed}"
    click.echo(
        f"\nkept: {folder}: journal.jsonl has every run with what it said, homes/ the spools and"
        " repos,\n  remotes/ what the forge holds, state/ the ledger"
        f"\nagain: {again}{f' --broken {broken}' if broken else ''}"
        "\n  (the same actions and aims; the moments differ with the speed of the machine)"
    )
    sys.exit(1)


def _run(folder: Path, kills: int, seed: int, broken: str | None) -> Result:
    console = Console(stderr=True)
    columns = (TextColumn("killed"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("killed", total=kills)
        return torture(
            folder,
            kills,
            seed,
            lambda hits: progress.update(task, completed=hits),
            BROKEN / broken if broken else None,
        )


def _tell(result: Result) -> None:
    click.echo()
    for line in (*report.table(result), "", *report.facts(result), ""):
        click.echo(line)
    for sentence in report.wrong(result):
        click.echo(f"WRONG: {sentence}")
    if not result.wrong:
        click.echo(
            "all is well: every acknowledged record is billed once, every retried one once, any"
            " other at most once;\nno gap, no incident, verify matches, balances as the reference"
            " reckons them"
        )


if __name__ == "__main__":
    main()
