"""Tiers, volumes and packages cost what other metering services worked out.

The figures are theirs, named with each. Three are left out, because they charge a flat fee for zero
units; here no usage costs nothing. Examples with decimal quantities are stated in tenths or
hundredths of a unit.
"""

from decimal import Decimal
from typing import Final, NamedTuple

import pytest

from aggregator.rating.rating import ChargeState, Rater, Rating
from aggregator.rating.windows import InWindow
from tests.support.priced import RESOURCE, Form, book, hour_at, package, price, tiers
from wire_format.money import NANO, parse_nano

HOUR: Final = hour_at("2026-11-01T00")


class Worked(NamedTuple):
    """Examples that others worked out for one price.

    Attributes:
        source: where the figures are from.
        form: the price.
        cases: quantity and dollars.
        scale: how many of our units are one of theirs.
        free: units that cost nothing, here as units that a plan includes.
    """

    source: str
    form: Form
    cases: tuple[tuple[str, str], ...]
    scale: int = 1
    free: int = 0


LAGO = "getlago/lago-api spec/services/charge_models/"
LAGO_DOCS = "getlago/lago-docs docs/guide/05_plans/charges/price-models/"
OPENMETER = "openmeterio/openmeter openmeter/billing/rating/service/rate/"
STRIPE = "docs.stripe.com/subscriptions/pricing-models/tiered-pricing"
STRIPE_OLD = "stripe.com/docs/billing/subscriptions/tiers"

SEVEN = ((5, "7", "0"), (10, "6.5", "0"), (None, "6", "0"))
FALLING = ((5, "5", "0"), (10, "4", "0"), (15, "3", "0"), (20, "2", "0"), (None, "1", "0"))
OPENMETER_GRADUATED = tiers(
    *("graduated", (5, "0", "100"), (10, "0", "50"), (15, "5", "0"), (None, "1", "0"))
)

WORKED: Final = (
    Worked(
        f"{LAGO}graduated_service_spec.rb",
        tiers("graduated", (10, "10", "2"), (20, "5", "3"), (None, "5", "3")),
        (("1", "12"), ("10", "102"), ("11", "110"), ("12", "115"), ("21", "163")),
    ),
    Worked(
        f"{LAGO}graduated_service_spec.rb, decimal ranges",
        tiers("graduated", (10, "10", "0"), (100, "5", "0"), (None, "2", "0"), per=100),
        (("0.05", "0.5"), ("0.5", "3.0")),
        scale=100,
    ),
    Worked(
        f"{LAGO}volume_service_spec.rb",
        tiers("volume", (1000, "2", "10"), (2000, "1", "0"), (None, "0.5", "50"), per=10),
        (
            *(("1", "12"), ("100", "210"), ("100.5", "100.5"), ("101", "101"), ("200", "200")),
            *(("210", "155"), ("300", "200")),
        ),
        scale=10,
    ),
    Worked(f"{LAGO}package_service_spec.rb", package(10, "100"), (("121", "1300"),)),
    Worked(f"{LAGO}package_service_spec.rb", package(10, "100"), (("121", "1200"),), free=10),
    Worked(f"{LAGO}package_service_spec.rb", package(10, "100"), (("121", "0"),), free=200),
    Worked(f"{LAGO_DOCS}package.md", package(100, "5"), (("201", "10"),), free=100),
    Worked(
        f"{LAGO_DOCS}volume.md",
        tiers(
            "volume",
            *((10000, "0.0010", "10"), (50000, "0.0008", "10"), (100000, "0.0006", "10")),
            (None, "0.0004", "10"),
        ),
        (("65000", "49"),),
    ),
    Worked(
        f"{OPENMETER}tieredvolume_test.go",
        tiers("volume", (5, "0", "100"), (10, "0", "150"), (15, "10", "0"), (None, "5", "0")),
        (("3", "100"), ("5", "100"), ("14", "140"), ("15", "150"), ("16", "80")),
    ),
    Worked(f"{OPENMETER}tieredgraduated_test.go", OPENMETER_GRADUATED, (("0", "0"), ("22", "182"))),
    Worked(f"{OPENMETER}package_test.go", package(10, "15"), (("0", "0"), ("10", "15"))),
    Worked(
        STRIPE,
        tiers("volume", *SEVEN),
        (("1", "7"), ("5", "35"), ("6", "39"), ("20", "120"), ("25", "150")),
    ),
    Worked(STRIPE, tiers("graduated", *SEVEN), (("5", "35"),)),
    Worked(
        STRIPE_OLD,
        tiers("volume", *FALLING),
        (("1", "5"), ("5", "25"), ("6", "24"), ("20", "40"), ("25", "25")),
    ),
    Worked(STRIPE_OLD, tiers("graduated", *FALLING), (("6", "29"),)),
    Worked(
        "docs.useautumn.com/documentation/modelling-pricing/graduated-pricing",
        tiers("graduated", (1000, "0.01", "0"), (10000, "0.008", "0"), (None, "0.005", "0")),
        (("15000", "107"),),
    ),
    Worked(
        "killbill/killbill TestContiguousIntervalConsumableInArrear.java",
        tiers("graduated", (10, "1.5", "0"), (110, "1.0", "0"), (None, "0.5", "0")),
        (("111", "115.5"),),
    ),
    Worked(
        "zuplo.com/docs/articles/monetization/pricing-models",
        tiers("graduated", (1000, "0.10", "0"), (10000, "0.05", "0"), (None, "0.01", "0")),
        (("15000", "600"),),
    ),
)
EXAMPLES: Final = [(worked, *case) for worked in WORKED for case in worked.cases]


@pytest.mark.parametrize(
    ("worked", "quantity", "usd"),
    EXAMPLES,
    ids=[f"{worked.source}-{quantity}" for worked, quantity, _ in EXAMPLES],
)
def test_it_costs_what_others_worked_out(worked: Worked, quantity: str, usd: str) -> None:
    units = int(Decimal(quantity) * worked.scale)
    included = min(units, worked.free)
    rating = Rater(book(price(**worked.form))).rate(
        *(units, RESOURCE, "llm", HOUR, None),
        in_window=InWindow(included, 0, units - included),
    )
    assert rating == Rating(ChargeState.RATED, parse_nano(usd), parse_nano(usd))


def test_what_comes_after_other_units_costs_the_difference() -> None:
    """OpenMeter's incremental example: 10 units after 12 cost 22 dollars."""
    rater = Rater(book(price(**OPENMETER_GRADUATED)))
    rating = rater.rate(10, RESOURCE, "llm", HOUR, None, in_window=InWindow(0, 12, 22))
    assert rating.list_cost_nano == 22 * NANO
