"""Each folder says what it owns, and holds nothing else."""

from collections.abc import Callable, Iterator

import pytest

from tests.style.folders import (
    FILES_MAX,
    Folder,
    crowded,
    loose_files,
    product_folders,
    uncovered_files,
)

OWNS_A = "A folder.\n\nOwns: one (`a`),\n`c`.\nDoes not own: `b`."


@pytest.mark.parametrize("rule", [uncovered_files, crowded, loose_files])
def test_no_folder_breaks_a_rule(rule: Callable[[Folder], Iterator[str]]) -> None:
    assert [found for folder in product_folders() for found in rule(folder)] == []


def test_a_file_that_the_docstring_does_not_own_is_found() -> None:
    """`Does not own:` covers nothing, nor does a docstring without either."""
    assert list(uncovered_files(Folder("x", OWNS_A, frozenset("ac")))) == []
    assert len(list(uncovered_files(Folder("x", OWNS_A, frozenset("abc"))))) == 1
    assert len(list(uncovered_files(Folder("x", "A folder with `a`.", frozenset("a"))))) == 1


def test_a_crowded_folder_is_found() -> None:
    assert len(list(crowded(Folder("x", "", frozenset(map(str, range(FILES_MAX))))))) == 1


def test_a_loose_file_is_found() -> None:
    assert len(list(loose_files(Folder("aggregator", "", frozenset({"x"}))))) == 1
    assert list(loose_files(Folder("books", "", frozenset({"x"})))) == []
