"""A portal in a folder of a test: an aggregator with its remotes, a desk, and clients over HTTP."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests

from gitmeter.git_remote.remote import Remote
from gitmeter.keys.secret import NewKey, make_key
from node_pusher.home.home import new_home
from node_pusher.joining.init import init
from portal.config.tables import PortalConfig
from portal.desk.desk import Desk, open_desk
from portal.reading.ledgers import Ledgers
from portal.serving.service import serving
from tests.support.ledger.terms_world import TermsWorld
from tests.support.writers import DESK_TEXT
from wire_format.instants import format_ts

NODE: Final = "desk-1"
EVERYTHING: Final = ("balance:*", "usage:read", "payments:read", "keys:write", "allowed:*")


class Client(NamedTuple):
    """Somebody who asks.

    Attributes:
        url: of the portal.
        key: what it shows; None for nothing.
    """

    url: str
    key: str | None

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:  # noqa: ANN401
        """Send a request."""
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        headers |= more.pop("headers", {})
        return requests.request(
            method, self.url + path, headers=headers, timeout=30, allow_redirects=False, **more
        )

    def get(self, path: str, **more: Any) -> requests.Response:  # noqa: ANN401
        """Ask for something."""
        return self.ask("GET", path, **more)

    def json(self, path: str, **more: Any) -> Any:  # noqa: ANN401
        """What is answered, which must be good."""
        found = self.get(path, **more)
        assert found.status_code == 200, found.text
        return found.json()


class PortalPlace:
    """A portal beside an aggregator.

    Attributes:
        world: the aggregator with its remotes; its clock is that of the portal too.
        home: the folder of the desk.
        config: what the operator says.
        desk: the desk while the portal serves.
        ledgers: the ledger, for this thread.
    """

    def __init__(self, folder: Path, **config: Any) -> None:  # noqa: ANN401
        self.world = TermsWorld(folder)
        self.home = folder / "home"
        remote = self.world.repo(NODE, role="desk")
        self.world.rule_files({"rules/writers.toml": DESK_TEXT.encode()})
        init(new_home(self.home, NODE, Remote(remote.url), role="desk"), self.world.now)
        stated = {
            "home": self.home,
            "state": self.world.config.state,
            "listen": {"address": "127.0.0.1:0"},
        }
        self.config = PortalConfig.model_validate(stated | config)
        self.ledgers = Ledgers(self.config.state)
        self.desk: Desk | None = None
        self.url = ""

    def clock(self) -> datetime:
        """The time at the portal."""
        return self.world.now

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends."""
        with open_desk(self.home, self.clock) as desk, serving(self.config, desk) as address:
            self.desk, self.url = desk, f"http://{address}"
            yield

    def key(self, user: str = "alice", *scopes: str, **more: object) -> NewKey:
        """Let the books make a key; it is in the ledger with the next pull."""
        made = make_key()
        self.world.settle(
            "key",
            user=user,
            key_id=made.key_id,
            sha256=made.sha256,
            scopes=sorted(scopes or EVERYTHING),
            **more,
        )
        return made

    def pull(self) -> None:
        """Bring the ledger up to date, and say that it is."""
        self.world.pull()
        with self.world.ledger() as ledger, ledger.store.transaction():
            ledger.store.set_fact("pulled_at", format_ts(self.world.now))

    def pushed(self) -> None:
        """Wait until what was written is on the remote."""
        until_s = time.monotonic() + 30
        assert self.desk is not None
        while self.desk.spool.store.count():
            assert time.monotonic() < until_s
            time.sleep(0.02)

    def beside(self, folder: Path) -> "PortalPlace":
        """Another portal with a desk of its own, beside another aggregator of the same repos."""
        other, node = copy(self), "desk-2"
        other.world, other.home = copy(self.world), folder / "home"
        other.world.folder = folder  # of its state; the remotes are the same
        remote = self.world.repo(node, role="desk")
        init(new_home(other.home, node, Remote(remote.url), role="desk"), self.world.now)
        own = {"home": other.home, "state": other.world.config.state}
        other.config = self.config.model_copy(update=own)
        other.ledgers = Ledgers(other.config.state)
        return other

    def client(self, key: NewKey | str | None = None) -> Client:
        """Somebody with a key, or without."""
        return Client(self.url, key.secret if isinstance(key, NewKey) else key)


def problem(found: requests.Response) -> tuple[int, str]:
    """The status and the kind of a refusal."""
    assert found.headers["Content-Type"] == "application/problem+json"
    assert found.headers["Cache-Control"] == "no-store"
    said: Mapping[str, Any] = found.json()
    assert said["status"] == found.status_code
    return found.status_code, str(said["type"]).removeprefix("urn:gitmeter:problem:")
