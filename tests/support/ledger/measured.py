"""A pull in a process of its own, and how much memory it took.

python -m tests.support.ledger.measured CONFIG
"""

import json
import re
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.support.ledger.world import World

ROOT = Path(__file__).parents[3]


class Measured(NamedTuple):
    """What a pull took and said.

    Attributes:
        added_bytes: how far the memory of the process rose above what it has after its imports.
        git_bytes: the most that any git program had.
        incidents: repo to the incident that holds it.
    """

    added_bytes: int
    git_bytes: int
    incidents: dict[str, str]


def measured_pull(world: World) -> Measured:
    """Pull all repos of a world in a process that is only just started."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.ledger.measured", str(world.write_config())],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return Measured(**json.loads(done.stdout))


def _peak_bytes() -> int:
    """Of this process alone; `getrusage` counts what its parent had before it was started."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def _main(config_path: Path) -> None:
    from contextlib import closing

    from aggregator.cli.context import opening
    from aggregator.config.loading import load_config
    from aggregator.ledger.ledger import Ledger
    from aggregator.mirrors.state import State
    from aggregator.pulling.passes import Puller

    state = State(load_config(config_path))
    before = _peak_bytes()
    with closing(opening(state).open_or_rebuild()) as store:
        ledger = Ledger(store, state.config)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        reports = list(Puller(state, ledger, lambda: now).pull())
    print(  # noqa: T201 - read by the parent
        json.dumps(
            {
                "added_bytes": _peak_bytes() - before,
                "git_bytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
                "incidents": {r.name: str(r.incident) for r in reports if r.incident},
            }
        )
    )


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
