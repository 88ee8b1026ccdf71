"""Pictures of the pages, as `docs/pages.md` shows them.

Usage: `python -m docs.screenshots`; Debian's Chromium is needed.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from playwright.sync_api import Browser

from tests.portal.automatic.purse import purse
from tests.portal.automatic.test_standing import ahead, on
from tests.portal.browser.chromium import PHONE, chromium, looking, sign_in
from tests.portal.pages.house import tell_house
from tests.portal.pages.story import tell
from tests.portal.place import PortalPlace

FOLDER: Final = Path(__file__).with_name("portal")
_DESK: Final = {"width": 820, "height": 560}
_Who = Literal["customer", "staff", "payer"]
_Opened = tuple[str, str]
"""The address of a portal, and a key."""

_CHARGE: Final = "a[href^='/charges/']"


class Picture(NamedTuple):
    """A picture of a page.

    Attributes:
        name: of the file.
        path: of the page.
        is_dark: its colours.
        is_phone: its width.
        click: what is opened there.
        of: who looks at it: a `customer`, `staff`, or a `payer` with automatic payments.
    """

    name: str
    path: str
    is_dark: bool = False
    is_phone: bool = False
    click: str = ""
    of: _Who = "customer"


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
    Picture("automatic", "/automatic", of="payer"),
    Picture("automatic-phone-dark", "/automatic", is_dark=True, is_phone=True, of="payer"),
    Picture("house", "/house", of="staff"),
    Picture("house-account-phone", "/house/accounts/alice", is_phone=True, of="staff"),
    Picture("house-lines", "/house/feed?period=all&which=payments", of="staff"),
    Picture("house-fleet-dark", "/house/fleet", is_dark=True, of="staff"),
)


def taken(folder: Path) -> Iterator[Path]:
    """Take all pictures, of portals that are made for it."""
    with chromium() as browser:
        for who, told in _TOLD.items():
            with told() as (url, secret):
                for picture in PICTURES:
                    if picture.of == who:
                        path = folder / f"{picture.name}.png"
                        yield _take(browser, url, secret, picture, path)


@contextmanager
def _customer() -> Iterator[_Opened]:
    with _portal() as place:
        yield place.url, tell(place).secret


@contextmanager
def _staff() -> Iterator[_Opened]:
    with _portal() as place:
        yield place.url, tell_house(place, with_harm=False).keys["admin"].secret


@contextmanager
def _payer() -> Iterator[_Opened]:
    """Somebody whose card was charged, failed once, and whose bank asks now."""
    with tempfile.TemporaryDirectory() as made, purse(Path(made)) as wallet:
        wallet.till.save("alice")
        on(wallet)
        wallet.place.world.use(175)
        ahead(wallet, hours=3)
        paid = wallet.begin("1")
        ahead(wallet, minutes=1)
        wallet.pay(attempt=paid)
        ahead(wallet, days=6)
        wallet.place.world.use(195)
        ahead(wallet, hours=3)
        wallet.fail("2")
        ahead(wallet, days=2)
        wallet.till.wait_for("alice", wallet.begin("3"))
        ahead(wallet, minutes=1)
        yield wallet.place.url, wallet.key().secret


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


_TOLD: Final[Mapping[_Who, Callable[[], AbstractContextManager[_Opened]]]] = {
    "customer": _customer,
    "payer": _payer,
    "staff": _staff,
}


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
