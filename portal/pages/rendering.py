"""Making HTML from what a page shows. Every text is escaped by the templates."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.access.sessions import PageSession, form_token
from portal.api.activity import lately
from portal.api.automatic.state import auto_topup
from portal.api.checks import has_right
from portal.api.customers import (
    account,
    charges,
    keys,
    payments,
    settings,
    statements,
    usage,
)
from portal.api.request import Portal
from portal.pages import words
from portal.pages.forms import PROOF
from portal.pages.page import AUTOMATIC, Answer
from portal.pages.staff.menu import STAFF_MENU
from portal.pages.visit import route_of

TEMPLATES: Final = Path(__file__).with_name("templates")
_MENU: Final[tuple[tuple[str, str, Answer], ...]] = (
    ("/", "Overview", account.balance),
    ("/usage", "Usage", usage.usage),
    ("/charges", "Charges", charges.charges),
    ("/payments", "Payments", payments.payments),
    (AUTOMATIC, "Automatic payments", auto_topup),
    ("/statements", "Statements", statements.statement),
    ("/plan", "Plan", account.entitled),
    ("/settings", "Settings", settings.settings),
    ("/keys", "Keys", keys.keys),
    ("/activity", "Activity", lately.activity),
)
"""The pages that everybody of an account finds at the top, where their key opens them.

That of automatic payments is there where this portal has a till.
"""


class MenuEntry(NamedTuple):
    """An entry of the menu.

    Attributes:
        path: of the page.
        name: what it is called.
    """

    path: str
    name: str


class Renderer:
    """Makes HTML.

    Args:
        portal: whose pages they are.
        static: the beginning of the addresses of the files that pages load.
    """

    def __init__(self, portal: Portal, static: str) -> None:
        self._portal = portal
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= words.FILTERS
        has_till = portal.config.till is not None
        self._menu = [entry for entry in _MENU if has_till or entry[0] != AUTOMATIC]
        pages = portal.config.pages
        self._templates.globals |= {
            "static": static,
            "brand": pages.brand,
            "support": pages.support,
            "token_name": PROOF,
        }

    def html(
        self,
        template: str,
        data: Mapping[str, Any],
        path: str,
        shown_id: str,
        session: PageSession | None,
    ) -> str:
        """Make a page.

        Args:
            template: its template.
            data: what that is given.
            path: of the page.
            shown_id: what the browser shows.
            session: whose the page is; None where nobody is signed in.
        """
        return self._templates.get_template(template).render(
            {
                "path": path,
                "token": form_token(self._portal.desk.seal, shown_id) if shown_id else "",
                "session": session,
                "menu": [*_opened(self._menu, session)],
                "house_menu": [*_opened(STAFF_MENU, session)],
                **data,
            }
        )


def _opened(
    menu: Iterable[tuple[str, str, Answer]], session: PageSession | None
) -> Iterator[MenuEntry]:
    """The entries of a menu that open for who is signed in."""
    for path, name, answer in menu:
        if session is not None and has_right(route_of(answer), session.holder):
            yield MenuEntry(path, name)
