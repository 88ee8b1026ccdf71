"""How a charge is made, down to its lines in git."""

from typing import Final

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.rating.discounts import DiscountLadder
from aggregator.reports.accounts import charges as account_charges
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.charges.explain import Extent, explain
from aggregator.store.questions.exports import ChargePlace
from portal.api.customers.account import account_here
from portal.api.customers.charges import charge_form, place_of
from portal.api.customers.forming import formed
from portal.api.customers.freshness import alias, fresh
from portal.api.customers.lines import (
    JUDGED_MAX,
    LOOKED_THROUGH_MAX,
    LinesAgain,
    reading_lines,
)
from portal.api.models.charges import (
    ExplainedCharge,
    InstanceUsed,
    MeterUsed,
    PriceUsed,
    SegmentUsed,
    UsageLine,
    WindowUsed,
)
from portal.api.problems import not_found
from portal.api.request import Asked

LINES_MAX: Final = 200
"""Lines, files and instances that are shown; of more there is the number."""


def explained(asked: Asked) -> ExplainedCharge:
    """Say how a charge is made: its price, discount and grants, and the lines that it is of.

    The lines are read again from git, and `adds_up` says whether they come to the charge. At most
    200 of them are shown, and as many files and instances, each with the number of those that
    follow. Where more than 20,000 lines of the account or 300,000 of the files that have them would
    have to be read, none are, and `adds_up` is null. Commits and paths are those of the node's own
    repo; a path and a number name a line of this account.
    """
    place = place_of(asked.path["id"])
    if place is None:
        raise not_found()
    account = account_here(asked)
    records = _records(asked, place)
    with reading_lines(asked, account.id) as lines:
        is_read = records <= JUDGED_MAX and lines.to_look_through(place.hour) <= LOOKED_THROUGH_MAX
        extent = Extent(LINES_MAX, shows_first=True, nodes=lines.nodes if is_read else ())
        found = _explained(lines, asked.holder.user, place, extent)
    summary, shown = found["summary"], found["lines"]
    return ExplainedCharge(
        charge=charge_form(found),
        price=_price(found["price"]),
        window=None if found["window"] is None else formed(WindowUsed, found["window"]),
        meter=None if found["meter"] is None else formed(MeterUsed, found["meter"]),
        instances=[formed(InstanceUsed, each) for each in summary["instances"][:LINES_MAX]],
        more_instances=max(0, len(summary["instances"]) - LINES_MAX),
        segments=[
            formed(SegmentUsed, each, node=alias(asked, each["node"]))
            for each in summary["segments"][:LINES_MAX]
        ],
        more_segments=max(0, len(summary["segments"]) - LINES_MAX),
        lines=[formed(UsageLine, each, node=alias(asked, each["node"])) for each in shown],
        more_lines=found["records"] - len(shown),
        adds_up=found["adds_up"] if is_read else None,
        **fresh(asked, stands_on(asked.store, account.id)),
    )


def _records(asked: Asked, place: ChargePlace) -> int:
    """How many lines the charges of an hour and resource have, of which one must be the charge.

    Raises:
        ProblemError: it is not there.
    """
    ladder = DiscountLadder(rule_book_in_force(asked.store).ladders)
    hour, user = place.hour, asked.holder.user
    found = [
        each
        for each in account_charges(asked.store, user, ladder, hour, hour + 1)
        if each["resource"] == place.resource
    ]
    if all(each["applies_to"] != place.applies_to for each in found):
        raise not_found()
    return sum(each["records"] for each in found)


def _explained(lines: LinesAgain, user: str, place: ChargePlace, extent: Extent) -> Answer:
    charge = user, place.resource, place.hour
    found = explain(lines.store, lines.rater, lines.reader, lines.decisions, charge, extent)
    return next(each for each in found if each["applies_to"] == place.applies_to)


def _price(stated: Answer | None) -> PriceUsed | None:
    if stated is None:
        return None
    return formed(PriceUsed, stated, is_own=stated["user"] is not None)
