"""A git server over http in a process of its own, so that its CPU time is not counted as ours."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.git_http import GitHttpServer


@contextmanager
def serving(root: Path) -> Iterator[str]:
    """Serve every bare repo below a folder; provides the address of the folder."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(root, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join()


def _serve(root: Path, asked: Connection) -> None:
    with GitHttpServer(root) as server:
        asked.send(server.url(""))
        asked.recv()
