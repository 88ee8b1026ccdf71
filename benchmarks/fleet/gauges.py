"""Measure what a piece of work costs: time, requests, processes, files, memory."""

import gc
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Self

from benchmarks.fleet.forge import Remote

_PROC: Final = Path("/proc/self")
_SAMPLE_S: Final = 0.005
_KIBIBYTE: Final = 1024
_started: list[None] = []


class Cost(NamedTuple):
    """The cost of one piece of work.

    Attributes:
        seconds: wall time.
        cpu_s: CPU time of this process and the programs that it started.
        thread_cpu_s: that of the thread that did the work, which is the one that bills.
        git_requests, api_requests: requests that the forge got meanwhile.
        programs: programs that this process started; git starts a few helpers for each.
        files_peak: the most files open at once in this process, counted every 5 ms.
        memory_bytes: memory in RAM afterwards.
        memory_peak_bytes: the peak of memory in RAM meanwhile.
    """

    seconds: float
    cpu_s: float
    thread_cpu_s: float
    git_requests: int
    api_requests: int
    programs: int
    files_peak: int
    memory_bytes: int
    memory_peak_bytes: int


class Moment(NamedTuple):
    """The state of this process between two pieces of work.

    Attributes:
        memory_bytes: memory in RAM.
        files: open files.
        threads: Python threads.
        objects: objects that Python's garbage collector tracks; a leak shows here first.
    """

    memory_bytes: int
    files: int
    threads: int
    objects: int


def watch_programs() -> None:
    """Count the programs that are started from now on; to be called once in a process."""

    def note(event: str, _arguments: object) -> None:
        if event == "subprocess.Popen":
            _started.append(None)

    sys.addaudithook(note)


def measure(forge: Remote, work: Callable[[], object]) -> Cost:
    """Do a piece of work and return its cost."""
    requests = forge.requests()
    started = len(_started)
    _forget_peak()
    with _Files() as files:
        cpu_s, thread_cpu_s, began_s = _cpu_s(), time.thread_time(), time.perf_counter()
        work()
        seconds, cpu_s = time.perf_counter() - began_s, _cpu_s() - cpu_s
        thread_cpu_s = time.thread_time() - thread_cpu_s
    git, api = (now - then for now, then in zip(forge.requests(), requests, strict=True))
    return Cost(
        seconds,
        cpu_s,
        thread_cpu_s,
        git,
        api,
        len(_started) - started,
        files.peak,
        _status("VmRSS"),
        _status("VmHWM"),
    )


def moment() -> Moment:
    """The current state of this process."""
    memory_bytes, files = _status("VmRSS"), _open_files()
    gc.collect()
    return Moment(memory_bytes, files, threading.active_count(), len(gc.get_objects()))


def memory_of(process: subprocess.Popen[str]) -> int:
    """The memory in RAM of another process, in bytes."""
    return _status("VmRSS", Path(f"/proc/{process.pid}"))


class _Files:
    """Counts open files at short intervals, in a thread."""

    def __init__(self) -> None:
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(_SAMPLE_S):
            self.peak = max(self.peak, _open_files())

    def __enter__(self) -> Self:
        self.peak = _open_files()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _open_files() -> int:
    return len(os.listdir(_PROC / "fd"))  # noqa: PTH208 - a Path for each of them takes longer


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _forget_peak() -> None:
    (_PROC / "clear_refs").write_text("5")


def _status(name: str, process: Path = _PROC) -> int:
    lines = (process / "status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) * _KIBIBYTE
