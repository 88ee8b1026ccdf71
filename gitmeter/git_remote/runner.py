"""The git program as a child process: a clean environment, a time limit, memory and file limits.

Everything that could make git behave differently on another machine is removed: `GIT_*` variables,
system and user configuration, prompts, translations.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from gitmeter.git_remote.exchange import STDOUT_BYTES_MAX, TooMuchOutputError, exchange
from gitmeter.git_remote.failures import ContentRefusedError, GitMissingError, GitTimeoutError
from gitmeter.git_remote.git_version import is_too_old, too_old

PROTOCOLS: Final = "file:https:ssh"
_BLOCK_BYTES: Final = 512
"""The unit of `ulimit -f` in a POSIX shell."""

_KIBIBYTE: Final = 1024
_USAGE_ERROR: Final = 129
"""git's exit code for an option that it does not know."""

_VERSION_TIMEOUT_S: Final = 30
_LIMITED: Final = 'ulimit {limits} || exit 126; exec "$@"'
_RUNNING: Final[set[subprocess.Popen[bytes]]] = set()


class GitResult(NamedTuple):
    """The result of a git command.

    Attributes:
        returncode: its exit code; negative when a signal ended it.
        stdout: its standard output.
        stderr: the last part of its standard error; bytes that are not UTF-8 are replaced.
    """

    returncode: int
    stdout: bytes
    stderr: str


def run_git(
    args: Sequence[str],
    *,
    cwd: Path | None = None,
    timeout_s: float,
    stdin: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    memory_bytes_max: int | None = None,
    file_bytes_max: int | None = None,
) -> GitResult:
    """Run `git` with `args`; a non-zero exit code is returned, not raised.

    Args:
        args: the command line after `git`.
        cwd: working directory.
        timeout_s: git is killed after this many seconds, with everything that it started.
        stdin: its standard input; empty when None.
        environment: variables added to the clean environment.
        memory_bytes_max: address space of each of its processes.
        file_bytes_max: size limit of each file that it writes.

    Raises:
        GitTimeoutError: it exceeded its time limit.
        ContentRefusedError: it wrote more to its standard output than is accepted.
        GitMissingError: the git program is not installed.
        GitTooOldError: it does not know an option, and is older than the least version.
    """
    command = _with_limits(["git", *args], memory_bytes_max, file_bytes_max)
    process = _start(command, cwd, clean_environment() | dict(environment or {}), stdin)
    with process, _noted(process):
        try:
            stdout, stderr = exchange(process, timeout_s)
        except subprocess.TimeoutExpired:
            _kill_group(process)
            raise GitTimeoutError(
                f"git {args[0]} took longer than {timeout_s:g} s and was stopped"
            ) from None
        except TooMuchOutputError:
            _kill_group(process)
            raise ContentRefusedError(
                f"git {args[0]} wrote more than {STDOUT_BYTES_MAX} bytes and was stopped"
            ) from None
        except BaseException:
            _kill_group(process)
            raise
    if process.returncode == _USAGE_ERROR and args[0] != "version":
        check_git_version()
    return GitResult(process.returncode, stdout, stderr.decode(errors="replace"))


def check_git_version() -> None:
    """Refuse a git program that is older than any that this was tested with.

    Raises:
        GitTooOldError: it is.
        GitMissingError: it is not installed.
    """
    printed = run_git(["version"], timeout_s=_VERSION_TIMEOUT_S).stdout.decode(errors="replace")
    if is_too_old(printed):
        raise too_old(printed)


def _start(
    command: list[str], cwd: Path | None, environment: dict[str, str], stdin: bytes | None
) -> subprocess.Popen[bytes]:
    try:
        with _source(stdin) as source:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env=environment,
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
    except FileNotFoundError as error:
        if cwd is not None and not cwd.is_dir():
            raise
        raise GitMissingError(
            "the git program was not found", hint="apt-get install git"
        ) from error


@contextmanager
def _source(stdin: bytes | None) -> Iterator[int | IO[bytes]]:
    """A file instead of a pipe, which would need a thread to fill it."""
    if not stdin:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.seek(0)
        yield file


def stop_running() -> None:
    """Kill every running git program, so that the threads waiting for them can stop now."""
    for process in tuple(_RUNNING):
        if process.returncode is None:
            _kill_group(process)


@contextmanager
def _noted(process: subprocess.Popen[bytes]) -> Iterator[None]:
    _RUNNING.add(process)
    try:
        yield
    finally:
        _RUNNING.discard(process)


def clean_environment() -> dict[str, str]:
    """The environment without anything that changes the behaviour of git."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_ALLOW_PROTOCOL": PROTOCOLS,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def config_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Git settings as environment variables, so that none shows up in a process list."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for i, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    return variables


def _with_limits(
    command: list[str], memory_bytes_max: int | None, file_bytes_max: int | None
) -> list[str]:
    """Limits by a shell's `ulimit`: code between fork and exec is not safe with threads."""
    limits = []
    if memory_bytes_max is not None:
        limits.append(f"-v {memory_bytes_max // _KIBIBYTE}")
    if file_bytes_max is not None:
        limits.append(f"-f {file_bytes_max // _BLOCK_BYTES}")
    if not limits:
        return command
    script = " && ulimit ".join(limits)
    return ["sh", "-c", _LIMITED.format(limits=script), "sh", *command]


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and everything it started; it leads a session, so the group is its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
