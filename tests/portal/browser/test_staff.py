"""What staff do in a browser: on a telephone, without scripts, and with what axe looks for."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tests.portal.browser.chromium import PHONE, looking, sign_in
from tests.portal.browser.test_browser import serious
from tests.portal.pages.house import HOSTILE, House, tell_house
from tests.portal.place import PortalPlace

ALICE: Final = "/house/accounts/alice"
PATHS: Final = (
    *("/house", "/house/running-out", "/house/accounts", "/house/open", ALICE),
    *(f"{ALICE}/payments", f"{ALICE}/charges", f"{ALICE}/credit", f"{ALICE}/keys/new"),
    *("/house/feed?period=all", "/house/prices", "/house/prices?file=fx.toml", "/house/fleet"),
    f"/house/accounts/{quote(HOSTILE, safe='')}",
    *("/house/automatic", "/sign-in/again?next=account-credit:alice"),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house with a past."""
    place = PortalPlace(tmp_path_factory.mktemp("house"), rpm=1_000_000)
    place.world.later(minutes=5)
    with place.serving():
        yield tell_house(place)


def test_no_page_of_the_house_is_wider_than_a_telephone(browser: Browser, house: House) -> None:
    with looking(browser, house.place.url, viewport=PHONE) as page:
        sign_in(page, house.keys["admin"].secret)
        for path in PATHS:
            page.goto(path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], path


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_house(
    browser: Browser,
    house: House,
    colours: Any,  # noqa: ANN401
) -> None:
    found = {}
    with looking(browser, house.place.url, color_scheme=colours, bypass_csp=True) as page:
        sign_in(page, house.keys["admin"].secret)
        for path in PATHS:
            page.goto(path)
            found[path] = serious(page)
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize("scripts", [True, False])
def test_support_finds_an_account_and_suspends_it(
    browser: Browser,
    house: House,
    scripts: bool,  # noqa: FBT001
) -> None:
    with looking(browser, house.place.url, java_script_enabled=scripts) as page:
        sign_in(page, house.keys["support"].secret)
        page.get_by_role("link", name="Accounts").click()
        page.get_by_label("Id contains").fill("bob")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="bob").click()
        for act, word in (("Suspend", "services refuse it"), ("Reopen", "Reopened.")):
            page.get_by_text(f"{act} this account").click()
            page.locator("#state-reason").select_option("request")
            page.locator("#state-ticket").fill("T-4711")
            page.get_by_role("button", name=f"{act} bob").click()
            page.get_by_text(word).wait_for()


def test_finance_tries_a_price(browser: Browser, house: House) -> None:
    with looking(browser, house.place.url, java_script_enabled=False) as page:
        sign_in(page, house.keys["finance"].secret)
        page.get_by_role("link", name="Prices").click()
        text = page.get_by_label("prices.toml", exact=True)
        text.fill(text.input_value().replace('usd = "0.10"', 'usd = "0.20"'))
        page.get_by_role("button", name="See what would change").click()
        page.get_by_text("Nothing was changed. Of").wait_for()
        assert page.get_by_role("link", name="alice").is_visible()
