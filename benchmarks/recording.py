"""Measure `node-pusher record -` in bulk: the real program, reading a file."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from benchmarks.data import RESOURCES, START, users_of
from benchmarks.place import NODE
from gitmeter.git_remote.runner import clean_environment, run_git

_PROGRAM = Path(sys.executable).with_name("node-pusher")
_USERS = 2000
LINES_PER_S = 100
_UNITS_MAX = 5000
_GIT_TIMEOUT_S = 60


def write_input(path: Path, records: int) -> None:
    """Write a file of usage as a service records it, without node and seq."""
    rng = random.Random(records)
    users = users_of(_USERS)
    with path.open("w") as stream:
        for i in range(records):
            ts = START + timedelta(seconds=i // LINES_PER_S, microseconds=1 + i % LINES_PER_S)
            stream.write(as_line(usage_at(ts, users, rng)))


def usage_at(ts: datetime, users: Sequence[str], rng: random.Random) -> dict[str, object]:
    """Some usage at a time, as a service states it."""
    resource = rng.choice(RESOURCES)
    return {
        "user": rng.choice(users),
        "resource": resource.name,
        "applies_to": resource.applies_to,
        "units": rng.randrange(1, _UNITS_MAX),
        "ts": f"{ts:%Y-%m-%dT%H:%M:%S.%fZ}",
    }


def as_line(usage: dict[str, object]) -> str:
    """A line of JSONL."""
    return json.dumps(usage, separators=(",", ":")) + "\n"


def seconds_to_record(folder: Path, records: int) -> float:
    """Time recording lines into a new spool, with the program's start and every fsync."""
    source = folder / f"input-{records}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    if not source.exists():
        write_input(source, records)
    home, remote = folder / "home", folder / "remote.git"
    for path in (home, remote):
        shutil.rmtree(path, ignore_errors=True)
    run_git(["init", "--quiet", "--bare", str(remote)], timeout_s=_GIT_TIMEOUT_S)
    _node_pusher(home, "init", "--node", NODE, "--remote", remote.as_uri())
    with source.open("rb") as lines:
        started = time.perf_counter()
        said = _node_pusher(home, "record", "-", "--json", stdin=lines)
        seconds = time.perf_counter() - started
    if json.loads(said)["recorded"] != records:
        raise RuntimeError(f"node-pusher did not record {records} lines: {said}")
    return seconds


def _node_pusher(home: Path, *args: str, stdin: IO[bytes] | None = None) -> str:
    done = subprocess.run(
        [str(_PROGRAM), "--home", str(home), *args],
        stdin=stdin or subprocess.DEVNULL,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    return done.stdout
