"""The table of pages."""

from typing import Final

from portal.pages.customers import entering, overview, vouching
from portal.pages.page import Page

PAGES: Final = (
    Page("GET", "/", overview.overview),
    Page("GET", "/sign-in", entering.sign_in_page, is_open=True),
    Page("POST", "/sign-in", entering.sign_in, form=entering.SignIn, back="/sign-in", is_open=True),
    Page("GET", "/sign-in/again", entering.again_page, query=entering.Onward),
    Page("POST", "/sign-in/again", entering.sign_in_again, form=entering.SignInAgain),
    Page(
        "GET",
        "/sign-in/with/{issuer}",
        vouching.go,
        query=vouching.Going,
        back="/sign-in",
        is_open=True,
        waits=True,
        is_counted=True,
    ),
    Page(
        "GET",
        "/sign-in/back/{issuer}",
        vouching.back,
        query=vouching.Back,
        back="/sign-in",
        is_open=True,
        waits=True,
    ),
    Page("POST", "/sign-out", entering.sign_out),
)
