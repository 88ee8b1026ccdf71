"""A fleet under faults keeps its promises; the same seed does the same twice.

`make simulate SEEDS=1000` runs many more seeds. A failure prints the command that replays it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def simulation(*options: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    """Run the program; the hash seed decides the order of Python's sets."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )


def test_no_record_is_lost_or_billed_twice_whatever_happens() -> None:
    """Each seed has its own faults; after every step all invariants are checked.

    Ten others are run without faults in the product beside each of its broken variants.
    """
    done = simulation("--first", "101", "--seeds", "4", "--jobs", "1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_seed_does_the_same_twice() -> None:
    """Every step, every fault and the digest of the ledger in the end, whatever order sets have."""
    words = ("--seed", "11", "--steps", "30")
    first, second = (simulation(*words, hash_seed=seed) for seed in "12")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout == second.stdout
    assert re.search(r"trace [0-9a-f]{64}", first.stdout)
