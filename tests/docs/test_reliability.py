"""The fault table names tests that exist: a page of proofs must not outlive them."""

import re
from fnmatch import fnmatchcase

import pytest

from tests.docs.test_docs import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:[a-z_]+/)+(?:test_[a-z_]+\.py)?)(?:::([a-z0-9_*]+))?`", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda text: text or "all")
def test_what_is_named_exists(path: str, name: str) -> None:
    place = ROOT / "tests" / path
    assert place.exists()
    if name:
        tests = re.findall(r"^def (test_\w+)", place.read_text(), re.MULTILINE)
        assert any(fnmatchcase(test, name) for test in tests)


def test_the_table_is_not_empty() -> None:
    assert len(NAMED) > 50
