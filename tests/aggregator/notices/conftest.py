"""A receiver, and a desk that tells it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.notices.telling import Desk
from tests.support.receiver import ReceiverServer


@pytest.fixture
def server() -> Iterator[ReceiverServer]:
    with ReceiverServer() as running:
        yield running


@pytest.fixture
def desk(server: ReceiverServer, tmp_path: Path) -> Desk:
    place = Desk(tmp_path / "state", server.url)
    place.begin()
    return place
