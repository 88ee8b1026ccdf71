"""Fuzz the parsers, guided by coverage: `python -m tests.fuzz --help`."""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from tests.fuzz.campaign import Found, Limits, fuzz, is_installed
from tests.fuzz.minimise import breach, minimise
from tests.fuzz.targets import TARGETS
from tests.support.memory import MEMORY

_SEED_MAX: Final = 2**31
_SHOWN_BYTES_MAX: Final = 400
_COLUMNS: Final = "{:<18} {:>10} {:>10} {:>10} {:>7} {:>8} {:>7} {:>8}  {}"
_HEADS: Final = (
    *("target", "inputs", "lines", "accepted", "edges", "features", "corpus", "seconds", "result"),
)
_MISSING: Final = (
    "the guided fuzzer is not installed: pip install -e '.[dev]' (atheris; it comes ready-made for"
    " some versions of CPython on Linux only). The same targets run without it in"
    " tests/fuzz/test_fuzz.py."
)


@click.command()
@click.option("--target", "prefixes", multiple=True, metavar="NAME",
              help=f"Only targets whose name begins so; of {', '.join(TARGETS)}.")  # fmt: skip
@click.option("--runs", type=click.IntRange(min=0), default=0, help="Inputs to try, each target.")
@click.option("--seconds", type=click.IntRange(min=0), default=0,
              help="Time to take, each target; 60 when no --runs are given.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=1), help="Default: a new one.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path),
              help="Keep corpora and crashes there; the next run goes on with them.")  # fmt: skip
@click.option("--input", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Fuzz nothing: give this input to the one --target.")  # fmt: skip
def main(
    prefixes: tuple[str, ...],
    runs: int,
    seconds: int,
    seed: int | None,
    keep: Path | None,
    file: Path | None,
) -> None:
    """Give hostile bytes to every parser, and look whether it keeps its promises.

    No input may raise anything but the parser's own error; what is accepted reads back as it was
    written; the two decoders of lines agree. Guided by coverage (atheris), from the test vectors.

    \b
    python -m tests.fuzz --seconds 60
    python -m tests.fuzz --target decode --runs 1000000
    python -m tests.fuzz --target config --input crashes/crash-1f2e
    """
    names = [name for name in TARGETS if not prefixes or name.startswith(prefixes)]
    if not names:
        raise click.UsageError(f"no such target; there are {', '.join(TARGETS)}")
    if file is not None:
        if len(names) > 1:
            raise click.UsageError("--input goes to one target: name it with --target")
        sys.exit(_try(names[0], file))
    if not is_installed():
        raise click.ClickException(_MISSING)
    limits = Limits(runs, seconds or (0 if runs else 60), seed or secrets.randbelow(_SEED_MAX) + 1)
    folder = keep or Path(tempfile.mkdtemp(prefix="gitmeter-fuzz-", dir=MEMORY))
    click.echo(f"{len(names)} targets, seed {limits.seed}")
    click.echo(_COLUMNS.format(*_HEADS))
    found = [_fuzz(name, limits, folder) for name in names]
    tried, lines = sum(each.tried for each in found), sum(each.lines for each in found)
    accepted = sum(each.accepted for each in found)
    crashed = [each for each in found if each.crash is not None]
    click.echo(
        f"\n{tried:,} inputs with {lines:,} lines, {accepted:,} accepted,"
        f" {len(crashed)} targets broken"
    )
    for each in crashed:
        _explain(each)
    if crashed:
        sys.exit(1)
    if keep is None:
        shutil.rmtree(folder)


def _fuzz(name: str, limits: Limits, folder: Path) -> Found:
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    with _progress(name, limits.runs) as (progress, task):
        found = fuzz(
            TARGETS[name], limits, place, lambda tried: progress.update(task, completed=tried)
        )
    counts = (f"{number:,}" for number in (found.tried, found.lines, found.accepted))
    result = "ok" if found.crash is None else "BROKEN"
    click.echo(
        _COLUMNS.format(
            name,
            *counts,
            found.coverage,
            found.features,
            found.corpus,
            f"{found.seconds:.0f}",
            result,
        )
    )
    return found


@contextmanager
def _progress(name: str, runs: int) -> Iterator[tuple[Progress, TaskID]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield progress, progress.add_task(name, total=runs or None)


def _explain(found: Found) -> None:
    """What was broken, by the shortest input that breaks it."""
    if found.crash is None:
        return
    check = TARGETS[found.name].check
    data = minimise(check, found.crash.read_bytes())
    shortest = found.crash.with_name(f"{found.crash.name}.shortest")
    shortest.write_bytes(data)
    broken = breach(check, data)
    click.echo(f"\n{found.name}: BROKEN by {len(data)} bytes: {data[:_SHOWN_BYTES_MAX]!r}")
    click.echo(broken.text if broken else "\n".join(found.said[-20:]))
    click.echo(f"again: python -m tests.fuzz --target {found.name} --input {shortest}")


def _try(name: str, file: Path) -> int:
    found = breach(TARGETS[name].check, file.read_bytes())
    click.echo(f"{name} keeps its promises on {file}" if found is None else found.text)
    return 0 if found is None else 1


if __name__ == "__main__":
    main()
