"""A portal that serves, with an account that has paid and used something; an issuer of tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal.issuers.issuer import Issuer
from tests.portal.place import PortalPlace


@pytest.fixture
def place(tmp_path: Path) -> Iterator[PortalPlace]:
    """A portal that serves; alice has paid 20 dollars and searched once."""
    found = PortalPlace(tmp_path)
    found.world.later(minutes=5)  # into the hour: what is used in it is then in each answer
    found.world.pay_in("20.00")
    found.world.use(5)
    with found.serving():
        yield found


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An issuer that answers."""
    found = Issuer()
    with found.serving():
        yield found
