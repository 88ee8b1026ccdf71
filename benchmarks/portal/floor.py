"""What any answer costs here: an application that says the same to all, behind the portal's server.

`python -m benchmarks.portal.floor` serves it, and prints its port.
"""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.portal.program import Serving
from gitmeter.http_edge.address import listen_on
from gitmeter.http_edge.server import Server
from gitmeter.keys.secret import make_key

PATH: Final = "/"
_BODY: Final = b'{"balance_usd":"18.42"}\n' * 20
_HOST: Final = "127.0.0.1"


@contextmanager
def empty_application() -> Iterator[Serving]:
    """Serve it in a process of its own until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield Serving(_HOST, port, process.pid, [make_key().secret])
        finally:
            process.terminate()


async def _respond(_: Request) -> Response:
    return Response(_BODY, media_type="application/json")


def main() -> None:
    """Serve until a signal ends it."""
    listening = listen_on(f"{_HOST}:0")
    routes = [Route(PATH, _respond)]
    server = Server(Starlette(routes=routes), listening, lambda _: None, keep_alive_s=5)
    server.start()
    print(listening.getsockname()[1], flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
