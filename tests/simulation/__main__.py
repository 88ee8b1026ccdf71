"""`python -m tests.simulation --seeds 1000`: many seeds, or one once more."""

import os
import sys

import click

from tests.simulation.report import find_broken, run_seeds, show_seed
from tests.simulation.simulation import STEPS_DEFAULT


@click.command()
@click.option("--seeds", default=20, show_default=True, help="How many seeds.")
@click.option("--first", default=1, show_default=True, help="The first of them.")
@click.option("--seed", type=int, help="This one alone, with its trace.")
@click.option("--steps", default=STEPS_DEFAULT, show_default=True, help="Steps of a seed.")
@click.option("--jobs", type=int, help="Processes; as many as there are cores unless told.")
@click.option("--broken", metavar="NAME", help="Break the product so; `all`: in every way.")
@click.option("--keep-going", is_flag=True, help="Do not stop at the first failure.")
@click.option("--verbose", "--trace", "-v", is_flag=True, help="Print every step.")
def main(
    *,
    seeds: int,
    first: int,
    seed: int | None,
    steps: int,
    jobs: int | None,
    broken: str | None,
    keep_going: bool,
    verbose: bool,
) -> None:
    """Run a fleet under faults for many seeds; exits with 1 when something that must hold fails."""
    if broken is not None:
        sys.exit(find_broken(broken, range(first, first + seeds), steps))
    if seed is not None:
        sys.exit(show_seed(seed, steps, trace=True))
    workers = jobs or os.cpu_count() or 1
    numbers = range(first, first + seeds)
    sys.exit(run_seeds(numbers, steps, workers, keep_going=keep_going, trace=verbose))


if __name__ == "__main__":
    main()
