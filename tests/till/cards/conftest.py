"""A till that saves cards."""

from pathlib import Path

import pytest

from tests.till.place import TillPlace
from tests.till.programs import CARDS
from tests.till.served import listen


@pytest.fixture
def place(tmp_path: Path) -> TillPlace:
    return TillPlace(tmp_path, listen=listen(), cards=CARDS)
