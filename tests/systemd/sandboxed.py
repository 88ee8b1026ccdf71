"""Run inside the sandbox of `aggregator.service`: tries what must work and what must not.

Prints one JSON object: each attempt to what came of it, or to the name of the error.
"""

import ctypes
import json
import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path

from aggregator.mirrors.gc import maintain
from gitmeter.git_remote.branch import fetch, read_branch
from gitmeter.git_remote.remote import Remote
from gitmeter.git_remote.runner import run_git

STATE = Path(os.environ["STATE_DIRECTORY"])
CREDENTIALS = Path(os.environ["CREDENTIALS_DIRECTORY"])
MIRROR = STATE / "mirrors/n1.git"
MEMORY_BYTES_MAX = 1 << 30
FILE_BYTES_MAX = 4 << 30


def over_ssh() -> Remote:
    return Remote(
        Path("/out/ssh_url").read_text().strip(),
        ssh_key_file=CREDENTIALS / "ssh_key",
        known_hosts_file=CREDENTIALS / "known_hosts",
    )


def callback() -> int:
    """Libraries that call back into Python are the ones that may need memory with code."""
    return int(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1)())


def memory_with_code() -> None:
    mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def raw_socket() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW)


def sees_only_itself() -> bool:
    return [p.name for p in Path("/proc").iterdir() if p.name.isdigit()] == [str(os.getpid())]


def git_under_limits() -> int:
    return run_git(
        ["version"],
        timeout_s=60,
        memory_bytes_max=MEMORY_BYTES_MAX,
        file_bytes_max=FILE_BYTES_MAX,
    ).returncode


def repack_and_check() -> int:
    run_git(["repack", "-q", "-d", "-a"], cwd=MIRROR, timeout_s=60)
    maintain(MIRROR)
    return run_git(["fsck"], cwd=MIRROR, timeout_s=60).returncode


def fetch_over_ssh() -> None:
    fetch(
        over_ssh(),
        MIRROR,
        "+refs/heads/main:refs/probe/ssh",
        timeout_s=60,
        memory_bytes_max=MEMORY_BYTES_MAX,
        file_bytes_max=FILE_BYTES_MAX,
    )


ATTEMPTS: dict[str, Callable[[], object]] = {
    "callback": callback,
    "memory with code": memory_with_code,
    "raw socket": raw_socket,
    "resolve": lambda: socket.getaddrinfo("localhost", 80)[0][4][0],
    "write state": lambda: (STATE / "probe").write_text("x"),
    "setuid file": lambda: (STATE / "probe").chmod(0o4755),
    "write /etc": lambda: Path("/etc/probe").write_text("x"),
    "write /opt": lambda: Path("/opt/probe").write_text("x"),
    "list /root": lambda: list(Path("/root").iterdir()),
    "the node's spool": lambda: Path("/var/lib/node-pusher/spool.db").read_bytes(),
    "token on disk": lambda: Path("/etc/gitmeter/token").read_text(),
    "own processes only": sees_only_itself,
    "git under limits": git_under_limits,
    "git gc and fsck": repack_and_check,
    "ssh probe": lambda: read_branch(over_ssh(), "main", 30).status,
    "ssh fetch": fetch_over_ssh,
}


def outcome(attempt: Callable[[], object]) -> object:
    """What an attempt returns, or the name of its error."""
    try:
        return attempt()
    except Exception as error:  # noqa: BLE001 - the error is what is asked for
        return type(error).__name__


if __name__ == "__main__":
    print(json.dumps({name: outcome(attempt) for name, attempt in ATTEMPTS.items()}))  # noqa: T201 - read from the journal
