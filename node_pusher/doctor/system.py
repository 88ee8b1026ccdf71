"""What `doctor` checks on the machine: timer, listener, clock synchronisation, programs."""

import os
import platform
import re
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from gitmeter.git_remote.git_version import is_too_old, too_old
from gitmeter.git_remote.remote import Transport
from gitmeter.roles.role import Role
from gitmeter.support.errors import ExitCode
from node_pusher.doctor.findings import Examination, Finding, ok, problem, warning
from node_pusher.home.layout import socket_file
from wire_format.instants import format_ts

TIMER_OF: Final[dict[Role, str]] = {"usage": "node-pusher", "books": "books"}
"""The units that push the homes of a role."""

SERVICE_OF: Final[dict[Role, str]] = {"till": "till.service", "desk": "portal.service"}
"""The unit that pushes by itself as it writes."""

_TIMEOUT_S: Final = 5
_ANSWER_BYTES_MAX: Final = 4096


def check_timer(examination: Examination) -> Iterator[Finding]:
    """Whether systemd pushes this home regularly, or runs what pushes as it writes."""
    role = examination.home.settings.role
    if role in SERVICE_OF:
        yield judge_service(SERVICE_OF[role], _show(SERVICE_OF[role]))
        return
    unit = TIMER_OF[role]
    timer, service = _show(f"{unit}.timer"), _show(f"{unit}.service")
    if timer is None or service is None:
        yield warning(
            "timer",
            "systemd does not answer here, so it is not known what pushes",
            "run `push` every hour by other means, and check its exit code",
        )
    else:
        yield judge_timer(unit, timer, service, str(examination.path.absolute()))


def judge_service(unit: str, service: Mapping[str, str] | None) -> Finding:
    """The finding for what systemd says of the service that writes and pushes.

    Args:
        unit: the name of the unit.
        service: its properties; None if systemd does not answer.
    """
    if service is None:
        says = f"systemd does not answer here, so it is not known whether {unit} runs"
        return warning("service", says, "make sure that the program runs: it pushes as it writes")
    if service.get("LoadState") != "loaded":
        do = "install it (systemd/README.md), or run the program by other means"
        return warning("service", f"{unit} is not installed", do)
    if service.get("ActiveState") != "active":
        return problem("service", f"{unit} is not running", f"systemctl enable --now {unit}")
    if service.get("UnitFileState") != "enabled":
        says = f"{unit} does not start by itself"
        return warning("service", says, f"systemctl enable {unit}")
    return ok("service", f"{unit} runs, and pushes as it writes")


def judge_timer(
    unit: str, timer: Mapping[str, str], service: Mapping[str, str], home: str
) -> Finding:
    """The finding for what systemd says.

    Args:
        unit: the name of both units.
        timer: properties of the timer.
        service: properties of the service that it starts.
        home: the folder of the home.
    """
    if timer.get("LoadState") != "loaded" or service.get("LoadState") != "loaded":
        return warning(
            "timer",
            f"{unit}.timer is not installed",
            "install it (docs/operators-guide.md), or run `push` every hour by other means",
        )
    if home not in re.split(r"[ ;]+", service.get("ExecStart", "")):
        return warning(
            "timer", f"{unit}.timer pushes another home", "run `push` for this one by other means"
        )
    if timer.get("ActiveState") != "active":
        return problem(
            "timer", f"{unit}.timer is not running", f"systemctl enable --now {unit}.timer"
        )
    do = f"journalctl -u {unit}.service"
    if service.get("Result") != "success":
        return problem("timer", f"the last push ended with {service.get('Result')}", do)
    if service.get("ExecMainStatus") == str(int(ExitCode.TRY_LATER)):
        return warning("timer", "the last push could not be finished", do)
    if timer.get("UnitFileState") != "enabled":
        return warning(
            "timer", f"{unit}.timer does not start by itself", f"systemctl enable {unit}.timer"
        )
    last, following = (
        _instant(service.get("ExecMainExitTimestamp")),
        _instant(timer.get("NextElapseUSecRealtime")),
    )
    facts = [f"{unit}.timer runs", f"the last push went well at {last}" if last else "no push yet"]
    return ok("timer", "; ".join([*facts, f"next at {following}"] if following else facts))


def _instant(stated: str | None) -> str:
    """An instant that systemd writes as `@` and seconds since 1970; empty for never."""
    seconds = (stated or "").removeprefix("@")
    if not seconds.isdigit() or int(seconds) == 0:
        return ""
    return format_ts(datetime.fromtimestamp(int(seconds), UTC))


def _show(unit: str) -> dict[str, str] | None:
    printed = _printed("systemctl", "show", "--timestamp=unix", unit)
    if printed is None:
        return None
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


def clock_is_synchronised() -> Finding:
    """Whether this machine's clock is synchronised, according to systemd."""
    printed = _printed("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return judge_clock(printed)


def judge_clock(printed: str | None) -> Finding:
    """The finding for what `timedatectl` printed; None if it printed nothing."""
    if printed == "yes":
        return ok("clock", "synchronised with a time server")
    if printed == "no":
        return warning(
            "clock", "this clock is not synchronised with a time server", "timedatectl set-ntp true"
        )
    return warning(
        "clock",
        "the remote shows no time, and systemd does not say whether this clock is synchronised",
        "compare it with another one: date -u",
    )


def _printed(*command: str) -> str | None:
    """What a program printed; None if it is missing, fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_S,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else None


def check_programs(examination: Examination) -> Iterator[Finding]:
    """The programs that this home uses, with their versions."""
    found = [f"gitmeter {version('gitmeter')}", f"Python {platform.python_version()}"]
    found.append(f"SQLite {sqlite3.sqlite_version}")
    git = _printed("git", "version")
    if git is None:
        yield problem("programs", "the git program does not run", "apt-get install git")
        return
    found.append(git)
    if examination.home.repo.remote.transport is Transport.SSH:
        ssh = _printed("ssh", "-V")
        if ssh is None:
            yield problem("programs", "ssh does not run", "apt-get install openssh-client")
            return
        found.append(ssh.partition(",")[0])
    says = ", ".join(found)
    if is_too_old(git):
        yield problem("programs", str(too_old(git)), too_old(git).hint)
    else:
        yield ok("programs", says)


def check_listener(examination: Examination) -> Iterator[Finding]:
    """Whether the listener answers, if there is one."""
    path = socket_file(examination.path)
    if not path.exists():
        yield ok("listener", "none at this home's socket")
        return
    start = "systemctl restart node-pusher-listen" if shutil.which("systemctl") else "start it"
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_TIMEOUT_S)
        try:
            client.connect(str(path))
            with suppress(BrokenPipeError):  # a listener without room answers and hangs up at once
                client.sendall(b"{}\n")  # refused as a record: an answer that changes nothing
            answer = client.recv(_ANSWER_BYTES_MAX)
        except TimeoutError:
            yield problem("listener", f"{path} does not answer in {_TIMEOUT_S} s", start)
            return
        except OSError as error:
            yield problem(
                "listener", f"{path}: {error.strerror or error}: services cannot record", start
            )
            return
    if answer.startswith(b'{"error":') and b'"retry":false' in answer:
        yield ok("listener", f"answers at {path}")
    elif b'"retry":true' in answer:
        yield warning("listener", f"{path} has no room for more clients", "listen --connections")
    else:
        yield problem("listener", f"something else answers at {path}", start)
