"""Books for the tests of this folder and of those below it."""

from pathlib import Path

import pytest

from tests.books.program import Books


@pytest.fixture(scope="session")
def new_books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Books without a line, to be copied: `init` takes longer than most of what follows."""
    found = Books(tmp_path_factory.mktemp("new_books"))
    found.init().ok()
    return found


@pytest.fixture
def books(new_books: Books, tmp_path: Path) -> Books:
    """Books without a line."""
    return new_books.copied_to(tmp_path)
