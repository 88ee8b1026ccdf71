"""`node-pusher listen`: records from many clients over a Unix socket, each answered once on disk.

One thread talks to the clients, a second one writes. What arrives from all clients while one
transaction is written goes into the next one, so that many waiting clients share an fsync.

When more clients come than are served at once, some give way (see `node_pusher.listener.room`).
Memory is bounded: of each client at most `BUFFER_BYTES_MAX` of requests and one read are kept, and
nothing more is read from a client that does not read its answers.
"""

import asyncio
import itertools
import signal
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, cast

from node_pusher.listener.group import GroupRecorder
from node_pusher.listener.protocol import NotRecorded, Request, Requests
from node_pusher.listener.room import Seat, gives_way
from node_pusher.listener.socket import BACKLOG

CONNECTIONS_MAX: Final = 256
_LINES_PER_TURN: Final = 1000
"""Of one client in one transaction, so that others do not wait for its backlog."""

_ANSWERS_BYTES_HIGH: Final = 64 * 1024
_CREDENTIALS: Final = struct.Struct("iII")
"""The kernel's `struct ucred`: process, user, group."""

_NOBODY: Final = 2**32 - 1
_FLUSH_TIMEOUT_S: Final = 5
"""How long a listener that stops waits for clients to read their answers."""


class RecordListener:
    """Serves clients until it is stopped.

    Args:
        recorder: writes groups of requests.
        connections_max: how many clients at once.
    """

    def __init__(self, recorder: GroupRecorder, connections_max: int = CONNECTIONS_MAX) -> None:
        self._recorder = recorder
        self._connections_max = connections_max
        self._clients: set[_Client] = set()
        self._turns = itertools.count()
        self._work = asyncio.Event()
        self._is_stopping = False

    async def serve(self, listening: socket.socket, notify: Callable[[str], None]) -> None:
        """Serve until SIGTERM or SIGINT; what was received by then is recorded and answered.

        Args:
            listening: where clients connect; closed at the end.
            notify: called with `READY=1` once they can, and with `STOPPING=1` (sd_notify(3)).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        # not create_unix_server: from Python 3.13 on it removes the file, which may be systemd's
        server = await loop.create_server(lambda: _Client(self), sock=listening, backlog=BACKLOG)
        notify("READY=1")
        with ThreadPoolExecutor(1, "spool") as writer:
            while not self._is_stopping:
                await self._work.wait()
                self._work.clear()
                await self._record_group(writer)
            notify("STOPPING=1")
            server.close()
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # in between, what the kernel has buffered for clients is read
            for client in self._clients:
                client.end()
            while await self._record_group(writer):
                pass
        await self._close_all()

    def stop(self) -> None:
        """Stop as at the first signal; a second one ends the program as it would by default."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
        self._is_stopping = True
        self._work.set()

    def wake(self) -> None:
        """Note that a client has sent something or can be answered again."""
        self._work.set()

    def add(self, client: "_Client") -> bool:
        """Add a new client, for which another one may have to go; whether there is room for it."""
        client.last_used = next(self._turns)
        has_room = len(self._clients) < self._connections_max or self._make_room(client.owner)
        self._clients.add(client)
        return has_room

    def _make_room(self, owner: int) -> bool:
        clients = [client for client in self._clients if not client.is_leaving]
        if len(clients) < self._connections_max:
            return True
        leaving = gives_way([client.seat for client in clients], owner)
        if leaving is not None:
            clients[leaving].dismiss()
        return leaving is not None

    async def _record_group(self, writer: ThreadPoolExecutor) -> bool:
        """Record one turn of every client and answer it; whether there was anything to do."""
        turns: list[tuple[_Client, int]] = []
        group: list[Request] = []
        owners: list[int] = []
        for client in list(self._clients):
            if self._is_stopping or not client.is_stuck:
                taken = client.take()
                group += taken
                owners += [client.owner] * len(taken)
                turns.append((client, len(taken)))
                client.is_written = bool(taken)
        if group:
            loop = asyncio.get_running_loop()
            recorded = await loop.run_in_executor(writer, self._recorder.record, group, owners)
            answers = iter(recorded)
        for client, count in turns:
            if count:
                client.answer(b"".join([next(answers) for _ in range(count)]))
                client.last_used = next(self._turns)
                client.is_written = False
            if client.is_done:
                client.close()
                self._clients.discard(client)
        return bool(group)

    async def _close_all(self) -> None:
        """Give the clients time to read their answers, but wait for none that does not."""
        closing = [client.closed for client in self._clients]
        for client in self._clients:
            client.close()
        if closing:
            await asyncio.wait(closing, timeout=_FLUSH_TIMEOUT_S)
        for client in self._clients:
            client.abort()


class _Client(asyncio.Protocol):
    """One connection.

    Attributes:
        is_stuck: it does not read its answers for now.
        is_written: requests of it are being recorded now.
        is_leaving: it was told to go, or there is no room for it.
        last_used: see `node_pusher.listener.room.Seat`.
        owner: the local user at its other end.
        closed: done when the connection has ended.
    """

    def __init__(self, listener: RecordListener) -> None:
        self.is_stuck = False
        self.is_written = False
        self.is_leaving = False
        self.last_used = 0
        self.owner = _NOBODY
        self.closed = asyncio.get_running_loop().create_future()
        self._listener = listener
        self._requests = Requests()
        self._has_ended = False
        self._transport: asyncio.Transport | None = None

    @property
    def is_done(self) -> bool:
        """Whether it will send nothing more and has been answered."""
        return self._has_ended and self._requests.is_empty

    @property
    def seat(self) -> Seat:
        """Its right to stay."""
        is_idle = self._requests.is_empty and not self.is_written
        return Seat(self.owner, self.last_used, is_idle or self.is_stuck)

    def take(self) -> list[Request]:
        """Its next requests."""
        taken = self._requests.take(_LINES_PER_TURN)
        if not self._requests.is_empty:
            self._listener.wake()
        if self._transport is not None and not self._requests.is_full:
            self._transport.resume_reading()
        if self._requests.is_over:
            self._take_no_more()
        return taken

    def end(self) -> None:
        """Accept nothing more, whether it has ended or not."""
        self._requests.end()

    def answer(self, lines: bytes) -> None:
        """Send answers, unless it is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(lines)

    def close(self) -> None:
        """Close it when it has read its answers."""
        if self._transport is not None:
            self._transport.close()

    def dismiss(self) -> None:
        """Close it for another client; what it had no answer for, it may send again."""
        self.is_leaving = True
        self._requests.end()
        self.abort()  # closing would wait until it has read its answers

    def abort(self) -> None:
        """Close it now."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_ANSWERS_BYTES_HIGH)
        self.owner = _owner(transport)
        if not self._listener.add(self):
            self.is_leaving = True
            self._requests.refuse(NotRecorded("too many connections", retry=True))
            self._take_no_more()
            self._listener.wake()

    def data_received(self, data: bytes) -> None:
        self._requests.feed(data)
        if self._requests.is_over:
            self._take_no_more()
        if self._transport is not None and self._requests.is_full:
            self._transport.pause_reading()
        self._listener.wake()

    def eof_received(self) -> bool:
        self._has_ended = True
        self._requests.end()
        self._listener.wake()
        return True  # it may still read its answers

    def pause_writing(self) -> None:
        self.is_stuck = True

    def resume_writing(self) -> None:
        self.is_stuck = False
        self._listener.wake()

    def connection_lost(self, _error: Exception | None) -> None:
        """Whole lines that it has sent are recorded nevertheless."""
        self._transport = None
        self.is_stuck = False
        self._has_ended = True
        self._requests.end()
        if not self.closed.done():
            self.closed.set_result(None)
        self._listener.wake()

    def _take_no_more(self) -> None:
        """Make its next write fail, and read what it has written to the end.

        Closing with unread data would end the connection with an error instead of the answers.
        """
        if self._transport is not None:
            with suppress(OSError):  # it is gone already
                self._transport.get_extra_info("socket").shutdown(socket.SHUT_RD)


def _owner(transport: asyncio.BaseTransport) -> int:
    """The user of the process that connected, as the kernel knows it."""
    found = transport.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    return int(_CREDENTIALS.unpack(found)[1])
