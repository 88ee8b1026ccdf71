"""A forge for each test, and one with ssh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.aggregator.forge.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path) as made:
        yield made


@pytest.fixture
def ssh_place(tmp_path: Path) -> Iterator[Place]:
    with Place(tmp_path, has_ssh=True) as made:
        yield made
