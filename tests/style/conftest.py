"""Each module of the product is parsed once for all rules of a module of tests."""

from collections.abc import Iterator

import pytest

from tests.style import rules


@pytest.fixture(autouse=True, scope="module")
def _trees() -> Iterator[None]:
    yield
    rules.forget_trees()
