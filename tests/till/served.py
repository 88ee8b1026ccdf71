"""A till that serves in this process, at a world."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, NamedTuple

from tests.support.local_http import free_ports
from tests.till.place import TillPlace
from till.intake.till import Till
from till.serving.service import Listening, serving

SECRET = "s" * 32
CHECKOUT = {
    "user": "alice",
    "usd": "20.00",
    "currency": "USD",
    "success_url": "https://portal.example/paid",
    "cancel_url": "https://portal.example/",
}


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401
        """The body, which must be JSON."""
        return json.loads(self.body)


class Served:
    """A till that serves."""

    def __init__(self, place: TillPlace, till: Till, listening: Listening) -> None:
        self.place = place
        self.till = till
        self.listening = listening

    def post(
        self, address: str, path: str, body: bytes, headers: dict[str, str], method: str = "POST"
    ) -> Answer:
        """Send one request."""
        host, _, port = address.rpartition(":")
        connection = HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def hook(self, name: str, secret: str = SECRET, account: str = "world-test") -> Answer:
        """Post an event about an object."""
        path = f"/hooks/{account}"
        return self.post(self.listening.public, path, name.encode(), {"X-World": secret})

    def get(self, path: str) -> Answer:
        """Ask for something, as a program of this machine."""
        return self.post(self.listening.local, path, b"", {}, "GET")

    def send(self, path: str, value: Any) -> Answer:  # noqa: ANN401 - whatever JSON can say
        """Post JSON, as a program of this machine."""
        headers = {"Content-Type": "application/json"}
        return self.post(self.listening.local, path, json.dumps(value).encode(), headers)

    def checkout(self, **changed: Any) -> Answer:  # noqa: ANN401
        """Ask for a checkout."""
        return self.send("/checkout", CHECKOUT | changed)

    def wait_pushed(self, lines: int) -> None:
        """Until that many lines are on the remote."""
        for _ in range(600):
            if len(self.place.pushed()) >= lines:
                return
            time.sleep(0.05)
        raise AssertionError(f"{len(self.place.pushed())} of {lines} lines were pushed")


@contextmanager
def served(place: TillPlace) -> Iterator[Served]:
    """The till of a place, serving until the block ends."""
    with place.open() as till, serving(till) as listening:
        yield Served(place, till, listening)


def listen() -> dict[str, str]:
    """`[listen]` at ports that nobody has."""
    public, local = free_ports(2)
    return {"public": f"127.0.0.1:{public}", "local": f"127.0.0.1:{local}"}
