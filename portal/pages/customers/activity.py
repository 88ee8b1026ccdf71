"""What was settled lately, and by whom: whoever has the account sees what others did with it."""

from datetime import timedelta
from typing import Final

from portal.api.activity import lately
from portal.api.activity.forms import SettledAct
from portal.pages.page import Shown
from portal.pages.visit import Visit
from wire_format.instants import parse_ts

_NEWS: Final = timedelta(days=7)
_OF_KEYS: Final = frozenset({"key", "revoke"})


def activity(visit: Visit) -> Shown:
    """Show what was settled."""
    return Shown("activity.html", {"acts": visit.ask(lately.activity).acts})


def news(visit: Visit) -> list[SettledAct]:
    """What an account is told on its first page: new and revoked keys, and what the house did."""
    acts = visit.ask(lately.activity).acts
    return [
        act
        for act in acts
        if parse_ts(act.at) >= visit.now - _NEWS and (act.kind in _OF_KEYS or act.by == "staff")
    ]
