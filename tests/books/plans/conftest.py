"""Books with plans, for the tests of this folder."""

from pathlib import Path

import pytest

from tests.books.plans.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Books with the plans of `tests.books.plans.shop`."""
    return Shop(tmp_path)
