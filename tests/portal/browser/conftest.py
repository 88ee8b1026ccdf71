"""One browser for the tests of a module, and a customer with a past."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser

from gitmeter.keys.secret import NewKey
from tests.portal.browser.chromium import chromium
from tests.portal.pages.story import tell
from tests.portal.place import PortalPlace
from tests.support.local_http import free_ports
from tests.till.place import TillPlace
from till.serving.service import serving


class Shop(NamedTuple):
    """A portal with a till, and a customer.

    Attributes:
        place: the portal.
        key: of alice, which opens everything.
    """

    place: PortalPlace
    key: NewKey


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser, for one module: an event loop runs in this thread as long as it is open."""
    with chromium() as found:
        yield found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A portal that serves, with a till and a customer."""
    public, local, own = (f"127.0.0.1:{port}" for port in free_ports(3))
    till = TillPlace(
        tmp_path / "till",
        listen={"public": public, "local": local},
        return_urls=[f"http://{own}/"],
    )
    with till.open() as opened, serving(opened):
        place = PortalPlace(
            tmp_path / "portal",
            listen={"address": own},
            till={"url": f"http://{local}/checkout"},
            pages={"url": f"http://{own}", "brand": "Example Hosting"},
            sign_up={"on": True},
            rpm=10_000,
        )
        place.world.later(minutes=5)
        with place.serving():
            yield Shop(place, tell(place))
