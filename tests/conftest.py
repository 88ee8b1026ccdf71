"""Guards around every test: no real home, git configuration, time zone or network.

`tests/style/test_guards.py` proves that the guards hold.
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pygit2
import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from pygit2.enums import ConfigLevel

from fixtures.bytecode import keep_bytecode
from tests.support.memory import MEMORY

ROOT: Final = Path(__file__).parent.parent
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
DEAD_PROXY: Final = "http://127.0.0.1:9"
"""Where child processes are sent that would leave this machine: nothing listens there."""

# A shell that starts the tests in the background ignores ^C, and every program that they start
# would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

keep_bytecode()

# Deadlines are off: no test asserts a time, and the machine may be busy.
settings.register_profile(
    "default",
    deadline=None,
    max_examples=60,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
    database=DirectoryBasedExampleDatabase(ROOT / ".hypothesis" / "examples"),
)
settings.register_profile("ci", settings.get_profile("default"), max_examples=400)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


if MEMORY is not None:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))  # of every `tmp_path`


class NetworkGuardError(Exception):
    """A test tried to reach beyond this machine."""


def _refuse_beyond_loopback(family: int, address: object) -> None:
    if family == socket.AF_UNIX:
        return
    host = address[0] if isinstance(address, tuple) else address
    if host not in LOOPBACK and not str(host).startswith("127."):
        raise NetworkGuardError(f"tests may connect to loopback only, not to {address!r}")


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:  # noqa: ANN401 - as socket declares it
        _refuse_beyond_loopback(self.family, address)
        return connect(self, address)

    return guarded


@pytest.fixture(autouse=True, scope="session")
def _guarded_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        for scheme in ("http", "https", "all"):
            patch.setenv(f"{scheme}_proxy", DEAD_PROXY)
            patch.delenv(f"{scheme.upper()}_PROXY", raising=False)
        for name in ("no_proxy", "NO_PROXY"):
            patch.setenv(name, "127.0.0.1,localhost,::1")
        yield


@pytest.fixture(autouse=True, scope="session")
def _guarded_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GIT_", "XDG_", "NODE_PUSHER_", "BOOKS_", "AGGREGATOR_")):
                patch.delenv(name)
        patch.delenv("STATE_DIRECTORY", raising=False)
        patch.setenv("HOME", str(home))
        for kind in ("CONFIG", "CACHE", "DATA", "STATE", "RUNTIME"):
            suffix = "DIR" if kind == "RUNTIME" else "HOME"
            patch.setenv(f"XDG_{kind}_{suffix}", str(home / kind.lower()))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setenv("GIT_TERMINAL_PROMPT", "0")
        patch.setenv("TZ", "Pacific/Chatham")  # 45 minutes off: local time shows in every hour
        time.tzset()
        # libgit2 looked at HOME when it was loaded.
        for level in (ConfigLevel.GLOBAL, ConfigLevel.XDG, ConfigLevel.SYSTEM):
            pygit2.settings.search_path[level] = str(home)
        yield
    time.tzset()


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _own_logs() -> None:
    """A program that ran inside a test before has set up logs for a terminal that is gone."""
    structlog.reset_defaults()
