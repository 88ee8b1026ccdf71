"""A till that is told who is due: it writes down what it gets, and says what a test tells it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from aggregator.config.sections import TopupConfig
from aggregator.notices.topups.rounds import TopupReport, TopupRound
from gitmeter.http_edge.signature import signature
from tests.support.files import write_secret
from tests.support.ledger.topups_world import TopupsWorld
from tests.support.receiver import ReceiverServer
from wire_format.posts.topup_due import TopupDue, decode_due

SECRET: Final = "a-secret-of-some-length"  # noqa: S105 - of a test


@contextmanager
def charger() -> Iterator[ReceiverServer]:
    """A till that takes everything."""
    with ReceiverServer() as server:
        says(server, None)
        yield server


def says(server: ReceiverServer, stopped: str | None) -> None:
    """Let it answer so from now on."""
    server.answer(200, body=json.dumps({"stopped": stopped}).encode())


def config_of(world: TopupsWorld, server: ReceiverServer, settle_h: int = 2) -> TopupConfig:
    """The configuration that names it."""
    path = world.folder / "topup_secret"
    if not path.exists():
        write_secret(path, f"{SECRET}\n")
    return TopupConfig(url=server.url, secret_file=path, settle_h=settle_h)


def round_of(world: TopupsWorld, server: ReceiverServer) -> TopupRound:
    """A round by what the ledger has."""
    path: Path = world.config.database_path
    config = config_of(world, server)
    return TopupRound(path, config, world.money_repos(), lambda: world.now, lambda: False)


def run(world: TopupsWorld, server: ReceiverServer, after: str = "") -> TopupReport:
    """A round that posts only where somebody is due."""
    return round_of(world, server).run(after)


def posts(server: ReceiverServer) -> list[TopupDue]:
    """What it got, each with a signature that holds."""
    found = []
    for got in list(server.got):
        signed = got.headers["X-Gitmeter-Signature"]
        assert signed == signature(SECRET.encode(), got.body)
        found.append(decode_due(got.body))
    return found
