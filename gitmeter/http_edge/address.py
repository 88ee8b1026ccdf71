"""The socket of a server."""

import os
import socket
import stat
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from gitmeter.http_edge.address_text import UNIX
from gitmeter.support.errors import GitmeterError

_BACKLOG: Final = 128
_SOCKET_MODE: Final = 0o660
"""So that a reverse proxy in the group may connect."""


class ListenError(GitmeterError):
    """The address of `[listen]` cannot be listened on."""


def listen_on(address: str) -> socket.socket:
    """Open a listening socket at `host:port`, `[::1]:port` or `unix:/path`.

    Raises:
        ListenError: the address is in use, not ours, or not on this machine.
    """
    try:
        if address.startswith(UNIX):
            return _unix(Path(address.removeprefix(UNIX)))
        return _tcp(address)
    except OSError as error:
        raise ListenError(
            f"cannot listen on {address}: {error.strerror or error}",
            hint="is another program running there? Set another address in [listen]",
        ) from error


def remove_socket_file(address: str) -> None:
    """Remove the file of a unix socket once its server has stopped."""
    if address.startswith(UNIX):
        with suppress(OSError):
            Path(address.removeprefix(UNIX)).unlink()


def _tcp(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    found = socket.getaddrinfo(
        host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, _, _, _, where = found[0]
    return socket.create_server(where[:2], family=family, backlog=_BACKLOG)


def _unix(path: Path) -> socket.socket:
    if path.exists():
        _remove_dead(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(str(path))
        path.chmod(_SOCKET_MODE)
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _remove_dead(path: Path) -> None:
    """Remove a socket that a killed daemon left behind; one in use stays."""
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise FileExistsError(0, "there is a file that is not a socket", os.fspath(path))
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
