"""Measure what printing long answers costs: `python -m benchmarks.tables --help`.

Each figure is that of one whole process: its CPU time (user and system), and its peak of memory in
RAM.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.data import RESOURCES, Shape, make, users_of
from benchmarks.ingest import pull, show_progress
from benchmarks.place import Place
from benchmarks.report import README, keep, machine, markdown
from benchmarks.whole_process import Used, figures, middle, use

_BEGIN: Final = "<!-- begin: written by `python -m benchmarks.tables --write` -->"
_END: Final = "<!-- end: tables -->"
_RUNS: Final = 3
_FEW: Final = 14_000
_MANY: Final = 250_000
_QUICK_SHARE: Final = 100
_FEW_CPU_S: Final = 0.5
_MEMORY_MB: Final = 100


class Answer(NamedTuple):
    """An answer that is measured.

    Attributes:
        name: its name in the table.
        words: the arguments of `aggregator`.
        place: the data that it is about.
        rows: how many rows it has.
        cpu_s_max: the target for its CPU seconds; None if there is none.
    """

    name: str
    words: Sequence[str]
    place: Place
    rows: int
    cpu_s_max: float | None = None


class Measured(NamedTuple):
    """An answer, and what its runs needed with each folder of programs."""

    answer: Answer
    used: tuple[list[Used], ...]


def answers(folder: Path, few: int, many: int) -> Iterator[Answer]:
    """Make the data of each answer, and yield it.

    Args:
        folder: of the data.
        few: how many accounts the first ledger has.
        many: how many the second one has, and how many charges of one user the third.
    """
    for count in (few, many):
        place = _ledger(folder, Shape(f"accounts-{count}", count, max(1, count // 5000), count, 1))
        limit = _FEW_CPU_S if count == few else None
        yield Answer("`aggregator balance`", ("balance",), place, count, limit)
        yield Answer("`aggregator balance --json`", ("balance", "--json"), place, count)
    hours = -(-many // len(RESOURCES))
    place = _ledger(folder, Shape(f"charges-{many}", many, hours, 1, 1))
    words = ("charges", *users_of(1))
    yield Answer("`aggregator charges USER`", words, place, many)
    yield Answer("`aggregator charges USER --json`", (*words, "--json"), place, many)


def _ledger(folder: Path, shape: Shape) -> Place:
    place = Place(folder / shape.name)
    is_new = not place.folder.exists()
    make(place.folder, shape)
    if is_new:
        show_progress(f"{shape.name}: pulling")
        pull(place, shape.records)
    return place


def ask(answer: Answer, programs: Path, out: Path) -> Used:
    """Ask once.

    Args:
        answer: what to ask for.
        programs: the folder of the program.
        out: a file for what is printed.

    Raises:
        RuntimeError: the program failed, or printed another number of rows.
    """
    program = str(programs / "aggregator")
    command = [program, "--config", str(answer.place.config_path), *answer.words]
    used = use(answer.name, command, out)
    if (found := rows_in(out.read_text(), is_json="--json" in answer.words)) != answer.rows:
        raise RuntimeError(f"{answer.name}: {found:,} of {answer.rows:,} rows were printed")
    return used


def rows_in(text: str, *, is_json: bool) -> int:
    """The number of rows in a list in JSON, or between the rule of a table and its last line."""
    if is_json:
        return len(json.loads(text))
    _, _, below = text.partition("\u2500 \n")
    return next(i for i, line in enumerate(below.split("\n")) if not line.strip())


def measure(
    folder: Path, programs: Sequence[Path], runs: int, few: int, many: int
) -> Iterator[Measured]:
    """Measure every answer.

    Args:
        folder: of the data.
        programs: folders of programs.
        runs: how often each of them is asked.
        few: as `answers` takes it.
        many: as `answers` takes it.
    """
    for answer in answers(folder, few, many):
        show_progress(f"{answer.name}, {answer.rows:,} rows")
        used = tuple([ask(answer, each, folder / "out") for _ in range(runs)] for each in programs)
        yield Measured(answer, used)


def table(found: Sequence[Measured]) -> str:
    """Format the figures as Markdown; those of a second folder are headed `before`."""
    before = ("CPU before", "memory before") if len(found[0].used) > 1 else ()
    headers = ("answer", "rows", *before, "CPU", "memory, at most", "target", "met")
    return markdown(headers, map(_cells, found))


def _cells(measured: Measured) -> tuple[str, ...]:
    answer, (now, *before) = measured
    cpu_s, memory_mb = middle(now)
    limits = [f"below {_MEMORY_MB} MB"]
    is_met = memory_mb < _MEMORY_MB
    if answer.cpu_s_max is not None:
        limits.insert(0, f"at most {answer.cpu_s_max} s")
        is_met = is_met and cpu_s <= answer.cpu_s_max
    shown = [text for runs in (*before, now) for text in figures(runs)]
    met = "yes" if is_met else "**no**"
    return answer.name, f"{answer.rows:,}", *shown, ", ".join(limits), met


def main() -> None:
    """Measure and print, and write the table into the README if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a hundredth of the rows, once")
    parser.add_argument("--keep", type=Path, help="a folder for the data, which is used again")
    parser.add_argument("--before", type=Path, help="a folder with programs to compare with")
    parser.add_argument("--write", action="store_true", help=f"replace the table in {README.name}")
    options = parser.parse_args()
    share, runs = (_QUICK_SHARE, 1) if options.quick else (1, _RUNS)
    programs = [Path(sys.executable).parent, *([options.before] if options.before else [])]
    with tempfile.TemporaryDirectory(prefix="gitmeter-tables-") as temporary:
        folder = (options.keep or Path(temporary)).absolute()
        found = list(measure(folder, programs, runs, _FEW // share, _MANY // share))
    text = (
        f"Measured with {machine()} CPU: medians of {runs} runs; memory: the most of them.\n\n"
        f"{table(found)}"
    )
    print(text)
    if options.write:
        keep(text, _BEGIN, _END)


if __name__ == "__main__":
    main()
