"""Run many seeds and say what they did."""

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

import click
import pytest

from tests.simulation.broken import VARIANTS
from tests.simulation.simulation import Run, simulate

_EVERY: Final = 25
_SHOWN_MAX: Final = 160


def show_seed(seed: int, steps: int, *, trace: bool) -> int:
    """Run one seed; returns the exit code."""
    run = simulate(seed, steps, click.echo if trace else lambda _: None)
    if run.failure:
        _say_failure(run, steps)
        return 1
    click.echo(f"trace {run.trace_sha256}")
    return 0


def run_seeds(seeds: Sequence[int], steps: int, jobs: int, *, keep_going: bool, trace: bool) -> int:
    """Run seeds in some processes; returns the exit code."""
    started = time.monotonic()
    done: list[Run] = []
    failed: list[Run] = []
    work = [(seed, steps, trace) for seed in seeds]
    with multiprocessing.Pool(jobs, maxtasksperchild=50) as pool:
        for run in pool.imap_unordered(_one, work):
            done.append(run)
            if run.failure:
                failed.append(run)
                _say_failure(run, steps)
                if not keep_going:
                    pool.terminate()
                    break
            if len(done) % _EVERY == 0:
                _say_progress(done, len(seeds), time.monotonic() - started)
    _say_summary(done, failed, time.monotonic() - started)
    return 1 if failed else 0


def find_broken(name: str, seeds: Sequence[int], steps: int) -> int:
    """Say which seed finds each broken variant; returns the exit code: 1 when one is not found."""
    missed = 0
    for variant in VARIANTS if name == "all" else [name]:
        run = first_failure(variant, seeds, steps)
        missed += run is None
        told = "NOT FOUND" if run is None else f"seed {run.seed}, step {run.step}: {run.failure}"
        click.echo(f"{variant}: {told[:_SHOWN_MAX]}")
    return 1 if missed else 0


def first_failure(variant: str, seeds: Iterable[int], steps: int) -> Run | None:
    """The first run that finds a variant and is sound without it, or None."""
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            VARIANTS[variant].breaks(patch)
            run = simulate(seed, steps)
        if run.failure and _is_sound(seed, steps):
            return run
    return None


@cache
def _is_sound(seed: int, steps: int) -> bool:
    return not simulate(seed, steps).failure


def _one(work: tuple[int, int, bool]) -> Run:
    seed, steps, trace = work
    told = (lambda line: click.echo(f"{seed}: {line}")) if trace else (lambda _: None)
    return simulate(seed, steps, told)


def _say_failure(run: Run, steps: int) -> None:
    click.echo(f"\nseed {run.seed}, step {run.step}: {run.failure}")
    click.echo(f"replay: .venv/bin/python -m tests.simulation --seed {run.seed} --steps {steps}\n")


def _say_progress(done: Sequence[Run], total: int, elapsed_s: float) -> None:
    rate = 60 * len(done) / elapsed_s
    click.echo(f"{len(done)} of {total} seeds, {rate:.0f} a minute")


def _say_summary(done: Sequence[Run], failed: Sequence[Run], elapsed_s: float) -> None:
    faults: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    crossings: Counter[str] = Counter()
    for run in done:
        faults += run.faults
        counts += run.counts
        crossings += run.crossings
    steps = sum(run.step for run in done)
    click.echo(
        f"{len(done)} seeds, {steps} steps, {counts['processes']} processes,"
        f" {counts['records']} records acknowledged, {sum(crossings.values())} boundaries crossed,"
        f" {elapsed_s:.0f} s"
    )
    click.echo(f"faults met: {sum(faults.values())}")
    for name, times in sorted(faults.items()):
        click.echo(f"  {times:6} {name}")
    click.echo("steps made:")
    for name, times in sorted(counts.items()):
        click.echo(f"  {times:6} {name}")
    click.echo(f"defects found: {len(failed)}" + "".join(f"\n  seed {r.seed}" for r in failed))
