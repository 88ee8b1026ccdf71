"""Tasks that are measured in a process of their own: `python -m benchmarks.terms.child TASK ...`.

Each task prints one JSON object.
"""

import json
import sys
from pathlib import Path
from typing import cast

from benchmarks.place import Place
from benchmarks.terms import dated_back, late
from benchmarks.terms.account import Mode


def main() -> None:
    """Run one task."""
    task, folder, *rest = sys.argv[1:]
    match task:
        case "late":
            mode = cast("Mode", rest[0])
            hours, repetitions, *places = map(int, rest[1:])
            result: object = late.measure(Place(Path(folder)), mode, hours, repetitions, places)
        case "dated-back":
            sizes = dated_back.Sizes(*map(int, rest))
            result = dated_back.measure(Place(Path(folder)), sizes)
        case _:
            raise SystemExit(f"no such task: {task}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
