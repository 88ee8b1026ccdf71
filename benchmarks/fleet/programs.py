"""Measure the programs on a fleet: commands, the daemon's listener, push to balance."""

import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import requests

from aggregator.config.loading import load_config
from aggregator.config.nodes_dir import fingerprint
from aggregator.forge import open_forge
from benchmarks.data import users_of
from benchmarks.fleet.forge import RECORDS_PER_COMMIT, USERS, Remote
from benchmarks.fleet.gauges import memory_of
from benchmarks.fleet.site import Site
from tests.support.files import write_secret
from tests.support.ledger.running import PROGRAM, Daemon, running_daemon
from tests.support.local_http import free_port

_SECRET: Final = "known-to-the-forge-alone"  # noqa: S105 - of one run
_PATIENCE_S: Final = 600
_QUIET_S: Final = 2
_POLL_S: Final = 0.002
_TIMEOUT_S: Final = 60


class Program(NamedTuple):
    """The wall time and the CPU time of each run of a command, in seconds."""

    seconds: list[float]
    cpu_s: list[float]


class Listening(NamedTuple):
    """Figures of the daemon with its listener.

    Attributes:
        ready_s: time from its start to the end of the first pass, which probes every repo.
        push_s: times from a push to its records in the ledger, through the webhook.
        scrape_s: times of scrapes of `/metrics`.
        scrape_bytes: the length of a scrape.
        memory_bytes: memory of the daemon at the end.
    """

    ready_s: float
    push_s: list[float]
    scrape_s: list[float]
    scrape_bytes: int
    memory_bytes: int


def registrations(site: Site, runs: int) -> dict[str, list[float]]:
    """Time writing all registrations, reading the configuration, and checking for changes."""
    aside = site.folder / "nodes.d.again"
    return {
        "written": [seconds(lambda: site.register(aside)) for _ in range(runs)],
        "read": [
            seconds(lambda: load_config(site.config_path, environment={})) for _ in range(runs)
        ],
        "compared": [seconds(lambda: fingerprint(site.nodes_dir)) for _ in range(runs)],
    }


def commands(site: Site, runs: int) -> dict[str, Program]:
    """Measure commands of `aggregator`, each in a process of its own as a person starts it."""
    user = users_of(USERS)[0]
    asked: dict[str, Sequence[str]] = {
        "--version": ("--version",),
        "balance USER": ("balance", user),
        "balance": ("balance",),
        "nodes": ("nodes",),
        "node list": ("node", "list"),
        "incidents": ("incidents",),
    }
    return {name: _program(site, words, runs) for name, words in asked.items()}


def forge_check(site: Site) -> tuple[Program, int]:
    """Measure `aggregator forge check`, and how many requests it makes."""
    before = site.forge.requests()[1]
    program = _program(site, ("forge", "check"), 1)
    return program, site.forge.requests()[1] - before


def listening(site: Site, pushes: int, scrapes: int) -> Listening:
    """Measure a daemon with a listener, to which the forge posts a webhook for each push."""
    port = free_port()
    with _with_listener(site, port) as config:
        began_s = time.perf_counter()
        with running_daemon(site.folder, config, JOURNAL_STREAM="1:1") as running:
            _wait(running, lambda: any("repos," in text for text in running.messages))
            ready_s = time.perf_counter() - began_s
            _until_quiet(running, site.forge)
            pushed = [_push_s(running, site, node) for node in site.nodes[:pushes]]
            url = f"http://127.0.0.1:{port}/metrics"
            texts: list[bytes] = []
            scraped = [
                seconds(lambda: texts.append(requests.get(url, timeout=_TIMEOUT_S).content))
                for _ in range(scrapes)
            ]
            memory_bytes = memory_of(running.process)
            code, log = running.leave()
    if code != 0:
        raise RuntimeError(f"the daemon ended with {code}:\n{log[-2000:]}")
    return Listening(ready_s, pushed, scraped, len(texts[-1]), memory_bytes)


def seconds(work: Callable[[], object]) -> float:
    """Time a piece of work."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def _program(site: Site, words: Sequence[str], runs: int) -> Program:
    program = Program([], [])
    for _ in range(runs):
        cpu_s = _children_cpu_s()
        program.seconds.append(seconds(lambda: _run(site, words)))
        program.cpu_s.append(_children_cpu_s() - cpu_s)
    return program


def _run(site: Site, words: Sequence[str]) -> None:
    command = [sys.executable, "-c", PROGRAM, "--config", str(site.config_path), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _with_listener(site: Site, port: int) -> Iterator[Path]:
    """Write a configuration with a listener for the same state, and set the forge's webhook."""
    secret = write_secret(site.folder / "secret", _SECRET)
    config = site.folder / "listening.toml"
    listen = f'[listen]\naddress = "127.0.0.1:{port}"\nwebhook_secret_file = "{secret}"\n'
    config.write_text(f"pull_every_s = 86400\n{site.config_path.read_text()}{listen}")
    forge = load_config(config, environment={}).forge
    if forge is None:
        raise RuntimeError("no forge in the configuration")
    open_forge(forge).set_hook(f"http://127.0.0.1:{port}/webhook", _SECRET, "main")
    yield config


def _push_s(running: Daemon, site: Site, node: str) -> float:
    """Time a push until its records are in the ledger, which is read every 2 ms."""
    uri = f"file:{site.state_dir / 'ledger.db'}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as ledger:

        def records() -> int:
            row = ledger.execute("SELECT records FROM node WHERE name = ?", (node,)).fetchone()
            return int(row[0])

        wanted = records() + RECORDS_PER_COMMIT
        began_s = time.perf_counter()
        site.forge.push([node], posts_webhook=True)
        while records() < wanted:
            if time.perf_counter() - began_s > _TIMEOUT_S:
                raise TimeoutError(f"{node}: not billed in {_TIMEOUT_S} s")
            time.sleep(_POLL_S)
        took_s = time.perf_counter() - began_s
    _drain(running)
    return took_s


def _wait(running: Daemon, until: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not until():
        if time.monotonic() > end_s or running.process.poll() is not None:
            raise RuntimeError(f"the daemon did not get ready: {running.messages[-5:]}")
        _receive(running, _POLL_S)


def _until_quiet(running: Daemon, forge: Remote) -> None:
    """Wait until the daemon's check of the forge at its start is over."""
    before = None
    while (now := forge.requests()) != before:
        before = now
        end_s = time.monotonic() + _QUIET_S
        while time.monotonic() < end_s:
            _drain(running)
            time.sleep(_POLL_S)


def _drain(running: Daemon) -> None:
    """Read the daemon's notifications: if its socket were full, the daemon would block."""
    while _receive(running, 0):
        pass


def _receive(running: Daemon, wait_s: float) -> bool:
    return running._receive(wait_s)  # noqa: SLF001 - its own waiting gives up after a minute
