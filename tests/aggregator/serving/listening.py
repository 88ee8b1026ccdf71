"""A listener on a real socket, with everything that it shares with the daemon."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import requests

from aggregator.config.sections import ListenConfig
from aggregator.serving.hints import Hints
from aggregator.serving.listener import HttpListener
from aggregator.serving.pulse import HookResult, Pulse
from aggregator.serving.webhook import Push
from gitmeter.http_edge.server import REQUEST_S
from gitmeter.http_edge.signature import signature
from tests.support.files import write_secret
from tests.support.ledger.world import NOW

SECRET: Final = "a-secret-of-the-forge"  # noqa: S105 - of a test
_TIMEOUT_S: Final = 30


def push_body(repo_id: int = 17, *, ref: str = "refs/heads/main", filler: int = 0) -> bytes:
    """The body of a push, as far as it is read; longer by some bytes of what is not."""
    repository = {"id": repo_id, "clone_url": "https://forge.example/ops/billing-n.git"}
    push = {"ref": ref, "after": "1" * 40, "repository": repository, "x": "x" * filler}
    return json.dumps(push).encode()


def signed(body: bytes, secret: str = SECRET, event: str = "push") -> dict[str, str]:
    """The headers that a forge sends with it."""
    return {
        "Content-Type": "application/json",
        "X-Forgejo-Event": event,
        "X-Forgejo-Signature": signature(secret.encode(), body),
    }


class Site:
    """One listener with its surroundings.

    Attributes:
        names: which repo a push is about, by the forge's number.
        on_name, on_scrape: called when a push's repo is looked up, and during each scrape.
    """

    def __init__(self, folder: Path, *, database_path: Path | None = None, **keys: Any) -> None:  # noqa: ANN401 - of ListenConfig
        self.names = {17: "n"}
        self.on_name: Callable[[], object] = lambda: None
        self.on_scrape: Callable[[], object] = lambda: None
        self.hints = Hints()
        self.pulse = Pulse(lambda: NOW, 360)
        request_s = keys.pop("request_s", REQUEST_S)
        if "webhook_secret_file" not in keys:
            keys["webhook_secret_file"] = write_secret(folder / "webhook_secret", f"{SECRET}\n")
        self.config = ListenConfig(**{"address": "127.0.0.1:0", **keys})
        self.listener = HttpListener(
            self.config,
            self.hints,
            self.name,
            self.pulse,
            database_path or folder / "ledger.db",
            self.clock,
            request_s=request_s,
        )

    def clock(self) -> datetime:
        """The time; asked for while a ledger is being measured."""
        self.on_scrape()
        return NOW

    def name(self, push: Push) -> frozenset[str]:
        """The repo of a push to the branch that is billed."""
        self.on_name()
        is_read = push.ref == "refs/heads/main" and push.repo_id in self.names
        return frozenset({self.names[push.repo_id]} if is_read else ())

    @contextmanager
    def listening(self) -> Iterator["Site"]:
        """Listen for a while."""
        self.listener.start()
        try:
            yield self
        finally:
            self.listener.stop()

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.listener.port}{path}"

    def get(self, path: str) -> requests.Response:
        """Ask for a path."""
        return requests.get(self.url(path), timeout=_TIMEOUT_S)

    def post(self, body: bytes, headers: dict[str, str] | None = None) -> requests.Response:
        """Post to the webhook, signed unless headers say otherwise."""
        sent = signed(body) if headers is None else headers
        return requests.post(self.url("/webhook"), body, headers=sent, timeout=_TIMEOUT_S)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.listener.port or 0), _TIMEOUT_S)

    def count(self, result: HookResult) -> int:
        """How many posts were answered so."""
        return self.pulse.read().hooks[result]


def rest_of(connection: socket.socket) -> bytes:
    """What still comes until the other side closes or breaks off."""
    found = b""
    with suppress(ConnectionResetError):
        while block := connection.recv(1 << 20):
            found += block
    return found


def answer_on(connection: socket.socket) -> bytes:
    """Everything that comes until the other side closes."""
    found = b""
    while block := connection.recv(65536):
        found += block
    return found
