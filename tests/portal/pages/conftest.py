"""A customer with a past who is signed in."""

import pytest

from tests.portal.pages.story import tell
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace


@pytest.fixture
def alice(place: PortalPlace) -> Visitor:
    """Alice, in her browser."""
    return signed_in(place.url, tell(place))
