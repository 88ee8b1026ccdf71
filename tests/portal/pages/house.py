"""A house with a past: staff of each role, customers, one who does harm, and what went wrong."""

from typing import Final, NamedTuple

from aggregator.incidents.kinds import IncidentKind
from gitmeter.keys.secret import NewKey
from portal.access.scopes import ROLES
from tests.portal.pages.story import tell
from tests.portal.pages.visitor import Visitor, signed_in
from tests.portal.place import PortalPlace
from tests.portal.test_staff import WELCOME, member
from tests.support.writers import DESK_TEXT
from wire_format.explanation import canonical
from wire_format.instants import format_ts
from wire_format.lines import Folder

HOSTILE: Final = "<script>alert(1)"
"""An account whose id would be a script, if it were no text."""
HOSTILE_REASON: Final = "<img src=x onerror=alert(2)>"
HOSTILE_DETAIL: Final = "<script>alert(3)</script>"


class House(NamedTuple):
    """A portal, and who asks it.

    Attributes:
        place: the portal.
        keys: of each role of staff, and of `customer`.
    """

    place: PortalPlace
    keys: dict[str, NewKey]

    def visitor(self, who: str) -> Visitor:
        """Somebody who has signed in just now."""
        return signed_in(self.place.url, self.keys[who])

    def written(self) -> list[dict[str, object]]:
        """Every line of the desk, once all of them are pushed."""
        self.place.pushed()
        self.place.pull()
        lines = self.place.world.run("payments", "--json").ok().json["lines"]
        return [line for line in lines if line["node"] == "desk-1"]


def tell_house(place: PortalPlace, *, with_harm: bool = True) -> House:
    """Let the house have its past; with texts that would do harm, or without."""
    world = place.world
    world.rule_files({"rules/writers.toml": (DESK_TEXT + WELCOME).encode()})
    keys = {role: member(place, role) for role in ROLES}
    world.grant("brief", "3.00", days=2)
    keys["customer"] = tell(place)
    world.use(5, "gpu/hours", user="bob")
    world.use(1000, "llm/tokens", user="debtor")
    if with_harm:
        world.pay_in("1.00", user=HOSTILE)
        world.settle("suspend", user=HOSTILE, reason=HOSTILE_REASON)
    world.refund("5.00", of_seq=999)
    _with_a_gap(place)
    place.pull()
    if with_harm:
        _with_a_harmful_incident(place)
    return House(place, keys)


def _with_a_harmful_incident(place: PortalPlace) -> None:
    with place.world.ledger() as ledger, ledger.store.transaction():
        about: dict[tuple[int | None, str], str] = {(None, "repos/<b>"): HOSTILE_DETAIL}
        ledger.store.incidents.file_all(IncidentKind.DRIFT, about, place.world.now)


def _with_a_gap(place: PortalPlace) -> None:
    """Let a node push two records, between which two are missing."""
    for seq in (1, 4):
        stated = {
            "v": 1, "node": "node-2", "seq": seq, "ts": format_ts(place.world.now), "user": "bob",
            "resource": "search/web", "applies_to": "llm", "units": 1,
        }  # fmt: skip
        path = f"usage/2026/11/01/{seq:016d}.jsonl"
        line = canonical(stated, Folder.USAGE)
        place.world.repo("node-2").commit({path: line}, when=place.world.now)
