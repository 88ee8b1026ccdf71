"""Pictures of the pages, as `docs/pages.md` shows them.

Usage: `python -m docs.screenshots`; Debian's Chromium is needed.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from playwright.sync_api import Browser

from tests.portal.browser.chromium import PHONE, chromium, looking, sign_in
from tests.portal.pages.house import tell_house
from tests.portal.pages.story import tell
from tests.portal.place import PortalPlace

FOLDER: Final = Path(__file__).with_name("portal")
_DESK: Final = {"width": 820, "height": 560}
_CHARGE: Final = "a[href^='/charges/']"


class Picture(NamedTuple):
    """A picture of a page.

    Attributes:
        name: of the file.
        path: of the page.
        is_dark: its colours.
        is_phone: its width.
        click: what is opened there.
        is_of_staff: whether staff look at it.
    """

    name: str
    path: str
    is_dark: bool = False
    is_phone: bool = False
    click: str = ""
    is_of_staff: bool = False


PICTURES: Final = (
    Picture("sign-in", "/sign-in"),
    Picture("overview", "/"),
    Picture("overview-phone-dark", "/", is_dark=True, is_phone=True),
    Picture("usage-dark", "/usage", is_dark=True),
    Picture("charges-phone", "/charges", is_phone=True),
    Picture("charge", "/charges", click=_CHARGE),
    Picture("payments-dark", "/payments", is_dark=True),
    Picture("plan", "/plan"),
    Picture("plan-phone", "/plan", is_phone=True),
    Picture("credit-phone", "/credit", is_phone=True),
    Picture("new-key-phone-dark", "/keys/new", is_dark=True, is_phone=True),
    Picture("statement", "/statements/2026-11"),
    Picture("house", "/house", is_of_staff=True),
    Picture("house-account-phone", "/house/accounts/alice", is_phone=True, is_of_staff=True),
    Picture("house-lines", "/house/feed?period=all&which=payments", is_of_staff=True),
    Picture("house-fleet-dark", "/house/fleet", is_dark=True, is_of_staff=True),
)


def taken(folder: Path) -> Iterator[Path]:
    """Take all pictures, of portals that are made for it."""
    with chromium() as browser:
        for is_of_staff in (False, True):
            with _portal() as place:
                house = tell_house(place, with_harm=False) if is_of_staff else None
                secret = tell(place).secret if house is None else house.keys["admin"].secret
                for picture in PICTURES:
                    if picture.is_of_staff is is_of_staff:
                        path = folder / f"{picture.name}.png"
                        yield _take(browser, place.url, secret, picture, path)


@contextmanager
def _portal() -> Iterator[PortalPlace]:
    """A portal that serves, of which nothing is told yet."""
    pages: dict[str, object] = {"brand": "Example Hosting", "support": "help@example.org"}
    pages |= {"url": "https://portal.example", "pay_by": ["page USD", "prompt TZS"]}
    with tempfile.TemporaryDirectory() as made:
        place = PortalPlace(
            Path(made), pages=pages, till={"url": "http://127.0.0.1:9/checkout"}, rpm=10_000
        )
        place.world.later(minutes=5)
        with place.serving():
            yield place


def _take(browser: Browser, url: str, secret: str, picture: Picture, path: Path) -> Path:
    context = {
        "viewport": PHONE if picture.is_phone else _DESK,
        "color_scheme": "dark" if picture.is_dark else "light",
    }
    with looking(browser, url, **context) as page:
        if picture.path != "/sign-in":
            sign_in(page, secret)
        page.goto(picture.path)
        if picture.click:
            page.locator(picture.click).first.click()
            page.wait_for_load_state()
        page.screenshot(path=path, full_page=True)
    return path


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for path in taken(FOLDER):
        sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
