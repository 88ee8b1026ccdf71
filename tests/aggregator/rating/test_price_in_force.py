"""Which of several prices holds for an account, and which are none."""

from typing import Final, NamedTuple

import pytest

from gitmeter.pricing.price_book import NoPrice, PriceBook
from tests.support.priced import LONG_AGO, RESOURCE, Form, book, hour_at, price
from wire_format.fields import AppliesTo
from wire_format.rule_files.loading import RuleBookError

OPEN, BOUND = {"usd": "1"}, {"usd": "2", "applies_to": "llm"}
OWN, OWN_BOUND = {"usd": "3", "user": "alice"}, {"usd": "4", "user": "alice", "applies_to": "llm"}


class Held(NamedTuple):
    """Which price holds for an account and a category in an hour.

    Attributes:
        why: in words.
        prices: of the operator.
        usd: the price that holds, or why none does.
        user, category, hour: who asks.
        imported: prices of the list.
    """

    why: str
    prices: tuple[Form, ...]
    usd: str
    user: str = "alice"
    category: AppliesTo = "llm"
    hour: str = "2026-11-05T00"
    imported: tuple[Form, ...] = ()


def later(form: Form, **values: str) -> Form:
    """The price, begun later."""
    return {**form, "from": "2026-11-05T00:00:00Z", **values}


UNTIL = {"until": "2026-11-05T00:00:00Z"}
SHORT = later(OWN, usd="5", **{"from": "2026-11-02T00:00:00Z"}, **UNTIL)
HELD: Final = (
    Held("the account's own of the category", (OPEN, BOUND, OWN, OWN_BOUND), "4"),
    Held("without it the account's own", (OPEN, BOUND, OWN), "3"),
    Held("without any own that of the category", (OPEN, BOUND), "2"),
    Held("without all these the one for all", (OPEN,), "1"),
    Held("another account has no part in it", (OPEN, BOUND, OWN, OWN_BOUND), "2", user="bob"),
    Held("nor has another category", (OPEN, BOUND, OWN, OWN_BOUND), "3", category="vm"),
    Held("nor both", (OPEN, BOUND, OWN, OWN_BOUND), "1", "bob", "vm"),
    Held("a later one for all does not outdo the own", (OWN, later(OPEN)), "3"),
    Held("in a class the latest", (OWN, later(OWN, usd="5")), "5"),
    Held("not one hour before it begins", (OWN, later(OWN, usd="5")), "3", hour="2026-11-04T23"),
    Held("in the last hour before its end", (OPEN, OWN | UNTIL), "3", hour="2026-11-04T23"),
    Held("no longer from its end on", (OPEN, OWN | UNTIL), "1"),
    Held("then an earlier one that has no end", (OPEN, OWN, SHORT), "3"),
    Held("an imported one where there is no own", (), "7", imported=({"usd": "7"},)),
    Held("below every own one", (OPEN,), "1", imported=(OWN_BOUND | {"usd": "7"},)),
    Held("nobody's", (), "unpriced"),
    Held("of another account alone", (OWN,), "unpriced", user="bob"),
    Held("of another category alone", (BOUND,), "category_mismatch", category="vm"),
    Held("of another category and account", (OWN_BOUND,), "unpriced", user="bob", category="vm"),
    Held("of this account's other category", (OWN_BOUND,), "category_mismatch", category="vm"),
    Held("ended, and nothing else", (OWN | UNTIL,), "unpriced"),
)


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.why)
def test_the_price_that_holds(held: Held) -> None:
    """In whatever order the file states them."""
    for order in (held.prices, held.prices[::-1]):
        imported = [price(**form) for form in held.imported]
        rules = book(*(price(**form) for form in order), imported=imported)
        found = PriceBook(rules.prices, rules.imported).price_at(
            RESOURCE, held.category, hour_at(held.hour), held.user
        )
        assert (str(found) if isinstance(found, NoPrice) else found.usd) == held.usd


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"usd": "1", "package": {"size": 2, "usd": "1"}},
        {"usd": "1", "mode": "volume"},
        {"usd": "1", "until": "2027-01-01T00:00:00Z"},
        {"usd": "1", "user": "alice", "until": LONG_AGO},
        {"usd": "1", "window": "week"},
        {"usd": "1", "window": "cycle"},
        {"package": {"size": 0, "usd": "1"}},
        {"package": {"size": 2, "usd": "1"}, "per": 2},
        {"tiers": []},
        {"tiers": [{"up_to": 5, "usd": "1"}]},
        {"tiers": [{"usd": "1"}, {"usd": "1"}]},
        {"tiers": [{"up_to": 5, "usd": "1"}, {"up_to": 5, "usd": "2"}, {"usd": "1"}]},
        {"tiers": [{"up_to": 5, "usd": "1"}, {"usd": "-1"}]},
    ],
    ids=str,
)
def test_a_price_in_no_form_is_refused(form: Form) -> None:
    """Windows of cycles as long as no plan is the default one."""
    with pytest.raises(RuleBookError):
        book(price(**form))
