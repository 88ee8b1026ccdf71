"""Processes that are killed at random moments lose nothing and bill nothing twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.torture.__main__ import BROKEN
from tests.torture.torture import torture

KILLS = 10
SEED = 3
ROOT = Path(__file__).parents[2]


def test_what_was_acknowledged_is_billed_once_whatever_was_killed(tmp_path: Path) -> None:
    """A short run of `python -m tests.torture`, which kills hundreds."""
    result = torture(tmp_path, KILLS, SEED)
    assert result.wrong == []
    assert result.journal.hits >= KILLS
    assert any(use.acknowledged and use.tries > 1 for use in result.journal.uses.values())


@pytest.mark.parametrize("variant", sorted(path.name for path in BROKEN.iterdir()))
def test_each_broken_variant_still_breaks_programs_of_today(variant: str) -> None:
    """They name functions of the product; `--broken` shows that the torture finds them."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.modules['sitecustomize'].__file__)"],
        env={**os.environ, "PYTHONPATH": str(BROKEN / variant)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert variant in done.stdout
