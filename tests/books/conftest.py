"""Books for the tests of this folder and of those below it."""

from pathlib import Path

import pytest

from tests.books.program import Books


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books without a line."""
    found = Books(tmp_path)
    found.init().ok()
    return found
