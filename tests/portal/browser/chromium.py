"""Debian's Chromium, driven by Playwright, which never asks beyond this machine."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM: Final = "/usr/bin/chromium"
PHONE: Final = {"width": 360, "height": 740}
FIRST_PAGE: Final = re.compile(r":[0-9]+/$")
DESK: Final = {"width": 1100, "height": 800}
_ARGUMENTS: Final = ("--disable-gpu", "--disable-dev-shm-usage")
_BAD: Final = frozenset({"error", "warning"})
_AS_ROOT: Final = ("--no-sandbox",)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, until the block ends."""
    arguments = [*_ARGUMENTS, *(_AS_ROOT if os.geteuid() == 0 else ())]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking(browser: Browser, url: str, **context: Any) -> Iterator[Page]:  # noqa: ANN401
    """A page with cookies of its own; afterwards it must have asked this portal for everything.

    Nor may it have complained: about what the policy of the pages refuses, or an error of a script.

    Args:
        browser: the browser.
        url: of the portal.
        context: of Playwright: a width, colours, scripts.
    """
    asked: list[str] = []
    complaints: list[str] = []
    opened = browser.new_context(base_url=url, **{"viewport": DESK, **context})
    try:
        page = opened.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: complaints.append(said.text) if said.type in _BAD else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
    finally:
        opened.close()
    own = urlsplit(url).netloc
    assert [each for each in asked if urlsplit(each).netloc != own] == []
    assert complaints == [], complaints


def sign_in(page: Page, secret: str) -> None:
    """Sign in with a key, as people do."""
    page.goto("/sign-in")
    page.get_by_label("Your key").fill(secret)
    with page.expect_navigation(url=FIRST_PAGE):
        page.get_by_role("button", name="Sign in").click()
