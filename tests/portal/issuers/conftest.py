"""An issuer that answers."""

from collections.abc import Iterator

import pytest

from tests.portal.issuers.issuer import Issuer


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that answers."""
    found = Issuer()
    with found.serving():
        yield found
