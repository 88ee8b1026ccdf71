"""A portal as a program of its own, beside a ledger that is there."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.portal.ledger import RPM, PortalLedger
from gitmeter.git_remote.remote import Remote
from gitmeter.git_remote.runner import clean_environment, run_git
from node_pusher.home.home import new_home
from node_pusher.joining.init import init
from portal.cli.common import utc_now

_PROGRAM: Final = Path(sys.executable).with_name("portal")
_NODE: Final = "desk-bench"
_GIT_TIMEOUT_S: Final = 60
_START_S: Final = 60


class Serving(NamedTuple):
    """A portal that serves.

    Attributes:
        host, port: where.
        pid: its process.
        keys: a secret of each account.
    """

    host: str
    port: int
    pid: int
    keys: Sequence[str]

    def cpu_s(self) -> float:
        """The seconds of CPU that it has used, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Its memory in RAM."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        kibibytes = next(line for line in lines if line.startswith("VmRSS")).split()[1]
        return int(kibibytes) * 1024


@contextmanager
def portal(folder: Path, ledger: PortalLedger) -> Iterator[Serving]:
    """Serve until the block ends.

    Args:
        folder: an empty one.
        ledger: what it reads.

    Raises:
        RuntimeError: the program ended, or did not begin to serve.
    """
    remote, home = folder / "desk.git", folder / "home"
    run_git(["init", "-q", "--bare", str(remote)], timeout_s=_GIT_TIMEOUT_S)
    init(new_home(home, _NODE, Remote(remote.as_uri()), role="desk"), utc_now())
    config = folder / "portal.toml"
    config.write_text(
        f'home = "{home}"\nstate = "{ledger.place.config().state}"\nrpm = {RPM}\n'
        'stale_max_s = 604800\n[listen]\naddress = "127.0.0.1:0"\n'
    )
    with subprocess.Popen(
        [str(_PROGRAM), "--config", str(config), "serve"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=clean_environment(),
        text=True,
    ) as process:
        try:
            host, port = _address(process)
            yield Serving(host, port, process.pid, ledger.keys)
        finally:
            process.terminate()


def _address(process: "subprocess.Popen[str]") -> tuple[str, int]:
    until_s = time.monotonic() + _START_S
    assert process.stderr is not None
    while time.monotonic() < until_s and (line := process.stderr.readline()):
        if line.startswith(f"{_NODE}: at "):
            host, _, port = line.rpartition(" ")[2].strip().rpartition(":")
            return host, int(port)
    raise RuntimeError(f"portal serve ended or does not serve: {process.poll()}")
