"""A house that charges saved cards."""

from pathlib import Path

import pytest

from tests.support.ledger.topups_world import TopupsWorld


@pytest.fixture
def world(tmp_path: Path) -> TopupsWorld:
    """Alice is due."""
    made = TopupsWorld(tmp_path)
    made.let_be_due()
    return made
