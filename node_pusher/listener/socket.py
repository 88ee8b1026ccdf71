"""The listener's socket file: made with the right mode, removed when stale, never taken over.

A lock beside it, held for the listener's lifetime, keeps two listeners from removing each other's
file. Alternatively systemd passes the socket in (sd_listen_fds(3)) and owns its file.
"""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from gitmeter.support.errors import GitmeterError
from gitmeter.support.locks import LockedError, locked
from node_pusher.home.layout import OWNER_HINT

BACKLOG: Final = 1024
"""Clients that connect at the same moment; above it a non-blocking client gets EAGAIN."""

_FIRST_INHERITED: Final = 3
_ANSWER_TIMEOUT_S: Final = 5
_PATH_BYTES_MAX: Final = 107
"""What fits into the kernel's `sockaddr_un`, without the final zero byte."""


class SocketError(GitmeterError):
    """The listener cannot have its socket."""


def inherited_socket() -> socket.socket | None:
    """The socket that systemd passed in; None if it passed none.

    Raises:
        SocketError: it passed anything but one listening Unix stream socket.
    """
    pid, count = os.environ.pop("LISTEN_PID", ""), os.environ.pop("LISTEN_FDS", "")
    if pid != str(os.getpid()) or not count:
        return None
    if count != "1":
        raise SocketError(f"{count} sockets were handed over, not 1")
    os.set_inheritable(_FIRST_INHERITED, False)  # noqa: FBT003 - the system's own
    try:
        handed = socket.socket(fileno=_FIRST_INHERITED)
        listens = handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise SocketError(f"what was handed over is no socket: {error}") from error
    if (handed.family, handed.type, listens) != (socket.AF_UNIX, socket.SOCK_STREAM, 1):
        raise SocketError(
            "what was handed over is no listening Unix stream socket",
            hint="the socket unit needs one ListenStream= with a path, and Accept=no",
        )
    return handed


@contextmanager
def own_socket(path: Path, *, shared: bool) -> Iterator[socket.socket]:
    """A listening socket at `path`, the file of which is removed at the end.

    Args:
        path: where; what a dead listener left there is removed.
        shared: whether the group may connect.

    Raises:
        SocketError: another listener is there, or something else is, or it cannot be made.
    """
    if len(os.fsencode(path)) > _PATH_BYTES_MAX:
        raise SocketError(
            f"{path} is longer than the {_PATH_BYTES_MAX} bytes that a socket's path may have",
            hint="name a shorter one with --socket: /run/...",
        )
    with ExitStack() as opened:
        with _explained(path):
            _lock(opened, path)
            _sweep(path)
            listening = opened.enter_context(closing(socket.socket(socket.AF_UNIX)))
            _bind(listening, path, 0o660 if shared else 0o600)
            made = path.lstat().st_ino
        try:
            yield listening
        finally:
            with suppress(FileNotFoundError):
                if path.lstat().st_ino == made:
                    path.unlink()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, PermissionError):
            raise SocketError(f"{path}: {error.strerror}", hint=OWNER_HINT) from error
        raise SocketError(f"{path}: {error.strerror or error}") from error


def _lock(opened: ExitStack, path: Path) -> None:
    try:
        opened.enter_context(locked(path.with_name(f"{path.name}.lock")))
    except LockedError:
        raise _taken(path) from None


def _sweep(path: Path) -> None:
    """Remove the file of a dead listener."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketError(f"{path} is there and is no socket", hint="name another with --socket")
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        probe.settimeout(_ANSWER_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            # EAGAIN, or a time-out: its queue of connections is full
            if error.errno not in {errno.EAGAIN, None}:
                raise
    raise _taken(path)


def _bind(listening: socket.socket, path: Path, mode: int) -> None:
    before = os.umask(0o777 & ~mode)  # never open to others, not even for a moment
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(BACKLOG)


def _taken(path: Path) -> SocketError:
    return SocketError(
        f"another process listens at {path} already",
        hint="one listener is enough for all services of a node; `node-pusher doctor` says"
        " whether it answers",
    )
