"""A provider of our own, and books beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.books.reconcile.site import Site, days_ago
from tests.support.providers.fake_stripe import FakeStripe


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    """An account where it is an hour ago."""
    with FakeStripe(days_ago(1 / 24)) as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, stripe: FakeStripe) -> Site:
    """Books, and a till that has written nothing."""
    return Site(tmp_path, stripe)
