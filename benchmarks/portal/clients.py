"""Clients on connections that are kept open, which ask at a steady rate or as fast as they can."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from benchmarks.portal.program import Serving

CONNECTIONS: Final = 8
_OK: Final = b"HTTP/1.1 200"


def ask(
    serving: Serving, path: str, number: int, rate: int | None, connections: int = CONNECTIONS
) -> list[float]:
    """Ask for a path with one key after another; returns the seconds of each answer.

    Time runs from when a request was due where it had to wait for those before it, so that it
    counts as slow; else from when it was sent, as timers of clients are late by themselves.

    Args:
        serving: the portal.
        path: what is asked for.
        number: how often.
        rate: requests in a second; None for as fast as answers come.
        connections: how many ask at the same time.

    Raises:
        RuntimeError: an answer is not good.
    """
    return asyncio.run(_ask(serving, path, number, rate, connections))


async def _ask(
    serving: Serving, path: str, number: int, rate: int | None, connections: int
) -> list[float]:
    begun_s = time.perf_counter()
    due = [None if rate is None else begun_s + index / rate for index in range(number)]
    waiting = iter(enumerate(due))
    found: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection(serving.host, serving.port)
        for index, due_s in waiting:
            from_s = await _until(due_s)
            writer.write(_request(path, serving.keys, index))
            await _answered(reader)
            found.append(time.perf_counter() - from_s)
        writer.close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return found


async def _until(due_s: float | None) -> float:
    """Wait until a request is due; returns from when on its time runs."""
    now_s = time.perf_counter()
    if due_s is None or due_s <= now_s:
        return now_s if due_s is None else due_s
    await asyncio.sleep(due_s - now_s)
    return time.perf_counter()


def _request(path: str, keys: Sequence[str], index: int) -> bytes:
    key = keys[index % len(keys)]
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


async def _answered(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(_OK):
        raise RuntimeError(head.decode())
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    )
    await reader.readexactly(length)
