"""What a server can do wrong with one request, byte by byte.

fault_of("503") -> answers 503
fault_of("drip_body") -> sends its answer so slowly that nobody should wait for it
"""

import io
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Final

from typing_extensions import Buffer

FAULTS: Final = frozenset(
    {
        *("hang", "reset", "redirect", "lose_answer"),
        *("slam", "mute", "cut", "drip_head", "drip_body", "garbage", "garbage_git"),
    }
)
"""
- `slam` resets a connection as soon as it is made, `mute` accepts it and says nothing at all;
- `hang` reads the request and never answers, `reset` drops the connection in place of an answer;
- `lose_answer` does what was asked and drops the connection instead of saying so;
- `cut` sends half of the answer and drops the connection;
- `drip_head` sends its answer byte by byte, `drip_body` what comes after the headers;
- `garbage` answers with a page, `garbage_git` with noise that is announced as git's;
- `redirect` sends the client elsewhere.

Besides these, any status code of HTTP: `"503"`.
"""

DRIP_S: Final = 0.1
"""Between two bytes: every read succeeds in time, and the whole answer takes minutes."""

PAGE: Final = b"<html><body>Welcome \x1b[31mto the \x00 captive portal</body></html>\n" * 40
NOISE: Final = bytes(range(256)) * 16


def is_status(name: str) -> bool:
    """Whether a fault is a status code of HTTP."""
    return name.isdecimal() and len(name) == 3


def reset(connection: socket.socket) -> None:
    """Drop a connection with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Dripping(io.BufferedIOBase):
    """A stream that passes on a byte at a time, with a pause after each.

    Args:
        stream: where the bytes go.
        released: ends it.
    """

    def __init__(self, stream: io.BufferedIOBase, released: threading.Event) -> None:
        self._stream = stream
        self._released = released

    def write(self, data: Buffer) -> int:
        """Write all of it, or as much as there is time for."""
        view = bytes(data)
        for byte in view:
            if self._released.wait(DRIP_S):
                raise ConnectionAbortedError("the server was told to stop")
            self._stream.write(bytes([byte]))
            self._stream.flush()
        return len(view)

    def flush(self) -> None:
        """Every byte was sent when it was written."""


def page(fault: str) -> tuple[Mapping[str, str], bytes]:
    """Headers and body of an answer that is not git's."""
    if fault == "garbage":
        return {"Content-Type": "text/html"}, PAGE
    return {"Content-Type": "application/x-git-upload-pack-advertisement"}, NOISE
