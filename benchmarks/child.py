"""Tasks that are measured in a process of their own: `python -m benchmarks.child TASK FOLDER ...`.

Each task prints one JSON object. A fresh process has empty caches and its own memory peak.
"""

import json
import resource
import sys
import time
from pathlib import Path

from aggregator.cli.context import Context, now
from aggregator.pulling.passes import Puller
from benchmarks import new_commit, stages
from benchmarks.adding import cpu_s
from benchmarks.place import NODE, Place

_KIBIBYTE = 1024


def memory_peak_bytes() -> int:
    """The peak of this process's memory in RAM, including mapped packs and database pages.

    Read as `VmHWM` if there is a /proc: `ru_maxrss` may be the parent's memory at the fork.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM:"))
        return int(line.split()[1]) * _KIBIBYTE
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE


def pull(place: Place) -> dict[str, float]:
    """Do what `aggregator pull` does, from reading the configuration to closing the database."""
    context = Context(place.config_path, None, verbose=False)
    started, cpu_before_s = time.perf_counter(), cpu_s()
    with context.writing() as (state, ledger):
        reports = {report.name: report for report in Puller(state, ledger, now).pull()}
    return {
        "seconds": time.perf_counter() - started,
        "cpu_s": cpu_s() - cpu_before_s,
        "admitted": reports[NODE].admitted,
        "memory_peak_bytes": memory_peak_bytes(),
    }


def main() -> None:
    """Run one task."""
    task, folder, *rest = sys.argv[1:]
    match task:
        case "pull":
            result: object = pull(Place(Path(folder)))
        case "stages":
            result = stages.measure(Place(Path(folder)))
        case "new-commit":
            result = new_commit.measure(Path(folder), int(rest[0]))
        case _:
            raise SystemExit(f"no such task: {task}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
