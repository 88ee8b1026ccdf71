"""The menu of staff: what their role opens."""

from collections.abc import Iterator
from typing import Final

from portal.access.holders import Holder
from portal.api.checks import check_right
from portal.api.house import feed, reports, rules
from portal.api.problems import ProblemError
from portal.api.staff import listing
from portal.pages.page import Answer
from portal.pages.visit import route_of

_MENU: Final[tuple[tuple[str, str, Answer], ...]] = (
    ("/house", "House", reports.running_out),
    ("/house/accounts", "Accounts", listing.accounts),
    ("/house/feed", "Lines", feed.feed),
    ("/house/prices", "Prices", rules.rules),
    ("/house/fleet", "Fleet", reports.nodes),
)


def staff_menu(holder: Holder) -> Iterator[tuple[str, str]]:
    """The pages of the house that somebody opens: the path of each, and its name."""
    for path, name, answer in _MENU:
        try:
            check_right(route_of(answer), holder)
        except ProblemError:
            continue
        yield path, name
