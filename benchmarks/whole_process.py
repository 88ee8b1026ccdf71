"""What one command needs: its CPU time (user and system), and its peak of memory in RAM."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from gitmeter.git_remote.runner import clean_environment

_KIBIBYTE: Final = 1024
_MEGABYTE: Final = 1_000_000

_MEASURED: Final = """
import json, os, sys
answer, *command = sys.argv[1:]
flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
to_file = [(os.POSIX_SPAWN_OPEN, 1, answer, flags, 0o600)]
pid = os.posix_spawn(command[0], command, os.environ, file_actions=to_file)
_, status, used = os.wait4(pid, 0)
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
"""Runs a command from a small process: a child's `ru_maxrss` is never below its parent's memory."""


class Used(NamedTuple):
    """What one process needed: CPU seconds, and bytes of memory."""

    cpu_s: float
    memory_bytes: int


def use(name: str, command: Sequence[str], out: Path) -> Used:
    """Run a command once.

    Args:
        name: of the command, for people.
        command: the program and its arguments.
        out: a file for what is printed.

    Raises:
        RuntimeError: the program failed.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _MEASURED, str(out), *command],
        check=True,
        stdout=subprocess.PIPE,
        env=clean_environment() | {"LC_ALL": "C.UTF-8"},
    )
    code, cpu_s, memory_kib = json.loads(done.stdout)
    if code:
        raise RuntimeError(f"{name}: ended with {code}")
    return Used(cpu_s, memory_kib * _KIBIBYTE)


def middle(runs: Sequence[Used]) -> tuple[float, float]:
    """The median of the CPU seconds, and the highest peak of memory in megabytes."""
    memory_bytes = max(used.memory_bytes for used in runs)
    return median(used.cpu_s for used in runs), memory_bytes / _MEGABYTE


def figures(runs: Sequence[Used]) -> tuple[str, str]:
    """The same as texts for a table."""
    cpu_s, memory_mb = middle(runs)
    return f"{cpu_s:.2f} s", f"{memory_mb:.0f} MB"
