"""A portal beside a till that saves cards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal.automatic.purse import Purse, purse


@pytest.fixture
def wallet(tmp_path: Path) -> Iterator[Purse]:
    """A portal that serves, with a till that serves; alice has paid a dollar."""
    with purse(tmp_path) as found:
        yield found
