"""What a customer does with a mouse, a keyboard, a telephone, and without scripts."""

import re
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from portal.pages.cookies import COOKIE
from tests.portal.browser.chromium import FIRST_PAGE, PHONE, looking, sign_in
from tests.portal.browser.conftest import Shop

VENDORED: Final = Path(__file__).with_name("vendored")
AXE: Final = (VENDORED / "axe.min.js").read_text()
PATHS: Final = (
    *("/", "/usage", "/usage?by=week", "/charges", "/payments", "/plan", "/settings", "/keys"),
    *("/keys/new", "/statements", "/statements/2026-11", "/credit", "/activity"),
    *("/automatic", "/automatic/change", "/sign-in/again?next=new-key"),
)
SERIOUS: Final = ("serious", "critical")
ASKED_OF_AXE: Final = """async () => (await axe.run()).violations.map(
    found => [found.id, found.impact, found.nodes.map(node => node.html)])"""


def test_axe_is_what_its_makers_gave_out() -> None:
    line = (VENDORED / "VENDORED.txt").read_text().splitlines()[1]
    assert line.split()[-1] == sha256((VENDORED / "axe.min.js").read_bytes()).hexdigest()
    assert "Mozilla Public License" in (VENDORED / "LICENSE.axe-core").read_text()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_customer_reads_down_to_a_record(browser: Browser, shop: Shop, scripts: bool) -> None:  # noqa: FBT001
    with looking(browser, shop.place.url, java_script_enabled=scripts) as page:
        sign_in(page, shop.key.secret)
        assert page.get_by_role("heading", name="of 57.00 USD left").is_visible()
        page.get_by_role("link", name="Each charge").click()
        page.get_by_role("table").get_by_role("link").first.click()
        assert page.get_by_text("they add up to this charge").is_visible()
        assert page.get_by_text(re.compile(r"entry in the public log [0-9a-f]{12}")).is_visible()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        page.goto("/")
        assert page.url.endswith("/sign-in")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_periods_of_usage_are_switched(browser: Browser, shop: Shop, scripts: bool) -> None:  # noqa: FBT001
    """With a script without loading the page anew, and with its address."""
    with looking(browser, shop.place.url, java_script_enabled=scripts) as page:
        sign_in(page, shop.key.secret)
        page.goto("/usage")
        loads: list[str] = []
        page.on("load", lambda _: loads.append(page.url))
        page.get_by_role("link", name="By week").click()
        page.get_by_role("heading", name="By week").wait_for()
        assert page.url.endswith("/usage?by=week")
        assert bool(loads) is not scripts
        page.go_back()
        page.get_by_role("heading", name="By day").wait_for()


def test_nothing_of_a_page_stays_in_the_browser(browser: Browser, shop: Shop) -> None:
    with looking(browser, shop.place.url) as page:
        sign_in(page, shop.key.secret)
        page.goto("/usage")
        page.get_by_role("link", name="By week").click()
        page.get_by_role("heading", name="By week").wait_for()
        kept = page.evaluate("({...localStorage, ...sessionStorage})")
        assert kept == {"htmx-current-path-for-history": "/usage?by=week"}
        assert page.evaluate("document.cookie") == ""
        [cookie] = page.context.cookies()
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == (COOKIE, True, True)
        assert (cookie["sameSite"], cookie["path"], cookie["expires"]) == ("Lax", "/", -1)


def test_a_customer_adds_credit_where_the_till_says(browser: Browser, shop: Shop) -> None:
    with looking(browser, shop.place.url, java_script_enabled=False) as page:
        sign_in(page, shop.key.secret)
        page.get_by_role("link", name="Add credit").click()
        page.get_by_label("How much, in US dollars").fill("20.00")
        page.get_by_role("button", name="Go on").click()
        link = page.get_by_role("link", name="Pay at the payment provider")
        assert str(link.get_attribute("href")).startswith("https://")


def test_a_customer_settles_a_plan_a_cap_and_a_key(browser: Browser, shop: Shop) -> None:
    with looking(browser, shop.place.url) as page:
        sign_in(page, shop.key.secret)
        page.goto("/plan")
        page.get_by_label("After this period").select_option("starter")
        page.get_by_role("button", name="Settle").click()
        page.get_by_text("Then follows starter").wait_for()
        page.goto("/settings")
        page.get_by_label("In US dollars, for each period").fill("12.00")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("At most 12.00 USD").wait_for()
        page.goto("/keys/new")
        page.get_by_label("Payments and statements").check()
        page.get_by_role("button", name="Make the key").click()
        secret = page.locator("code.secret").inner_text()
        assert shop.place.client(secret).json("/v1/me")["scopes"] == ["payments:read"]


def test_everything_can_be_done_with_the_keyboard(browser: Browser, shop: Shop) -> None:
    with looking(browser, shop.place.url) as page:
        page.goto("/sign-in")
        for _ in range(10):
            if page.evaluate("document.activeElement.id") == "key":
                break
            page.keyboard.press("Tab")
        page.keyboard.type(shop.key.secret)
        with page.expect_navigation(url=FIRST_PAGE):
            page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        page.wait_for_url("**/#main")
        assert page.evaluate("document.activeElement.id") == "main"
        reached = set()
        page.goto("/plan")
        for _ in range(40):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.textContent.trim().slice(0, 40)"))
        assert {"Overview", "Keys", "Sign out", "Settle", "Upgrade now to pro2"} <= reached


def test_no_page_is_wider_than_a_telephone(browser: Browser, shop: Shop) -> None:
    with looking(browser, shop.place.url, viewport=PHONE, java_script_enabled=True) as page:
        sign_in(page, shop.key.secret)
        for path in (*PATHS, charge(page)):
            page.goto(path)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], path


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, shop: Shop, colours: Any) -> None:  # noqa: ANN401
    with looking(browser, shop.place.url, color_scheme=colours, bypass_csp=True) as page:
        found = {}
        for path in ("/sign-in", "/sign-up"):
            page.goto(path)
            found[path] = serious(page)
        sign_in(page, shop.key.secret)
        for path in (*PATHS, charge(page)):
            page.goto(path)
            found[path] = serious(page)
    assert {path: each for path, each in found.items() if each} == {}


def test_somebody_opens_an_account_and_signs_in(browser: Browser, shop: Shop) -> None:
    """On a telephone, without scripts; the key is shown once."""
    shop.place.pull()
    with looking(browser, shop.place.url, viewport=PHONE, java_script_enabled=False) as page:
        page.goto("/sign-in")
        page.get_by_role("link", name="Open an account").click()
        page.get_by_role("button", name="Open an account").click()
        key = page.locator("code.secret").inner_text()
        shop.place.pushed()
        shop.place.pull()
        page.get_by_role("link", name="Sign in with it").click()
        page.get_by_label("Your key").fill(key)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_text("of 0.00 USD left").wait_for()
        assert key not in page.content()


def test_a_statement_is_printed(browser: Browser, shop: Shop) -> None:
    """Without menus, forms and links that lead nowhere on paper."""
    with looking(browser, shop.place.url) as page:
        sign_in(page, shop.key.secret)
        page.goto("/statements/2026-11")
        page.emulate_media(media="print")
        assert not page.get_by_role("navigation").is_visible()
        assert not page.get_by_text("As a table (CSV)").is_visible()
        assert page.get_by_text("Closing balance").is_visible()
        printed = page.pdf(format="A4")
        assert printed.startswith(b"%PDF-")
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def charge(page: Page) -> str:
    """The address of a charge."""
    page.goto("/charges")
    return str(page.locator("a[href^='/charges/']").first.get_attribute("href"))


def serious(page: Page) -> list[Any]:
    """What axe finds that keeps somebody from using the page."""
    page.evaluate(AXE)
    return [each for each in page.evaluate(ASKED_OF_AXE) if each[1] in SERIOUS]
