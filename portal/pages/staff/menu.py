"""The menu of staff."""

from typing import Final

from portal.api.automatic import listing as standings
from portal.api.house import feed, reports, rules
from portal.api.staff import listing
from portal.pages.page import Answer

STAFF_MENU: Final[tuple[tuple[str, str, Answer], ...]] = (
    ("/house", "House", reports.running_out),
    ("/house/accounts", "Accounts", listing.accounts),
    ("/house/automatic", "Automatic payments", standings.standings),
    ("/house/feed", "Lines", feed.feed),
    ("/house/prices", "Prices", rules.rules),
    ("/house/fleet", "Fleet", reports.nodes),
)
"""The pages of the house that staff find at the top, where their role opens them."""
