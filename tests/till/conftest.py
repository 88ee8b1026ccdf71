"""A till in this process whose provider is a world, and a Stripe for tills that are programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.providers.clock import Clock
from tests.support.providers.fake_stripe import FakeStripe
from tests.till.place import TillPlace
from till.intake.till import Till


@pytest.fixture
def place(tmp_path: Path) -> TillPlace:
    return TillPlace(tmp_path)


@pytest.fixture
def till(place: TillPlace) -> Iterator[Till]:
    with place.open() as opened:
        yield opened


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    """A Stripe that goes by this machine's clock, as the programs do."""
    with FakeStripe(Clock(None)) as fake:
        yield fake
