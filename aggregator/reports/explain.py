"""Explain one charge down to its lines.

The lines are read again from their commits and admission judges them again, so the answer is a
check of the ledger, not a copy of it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from aggregator.admission.batch import RuleFiles
from aggregator.ledger.rejudge import InForce
from aggregator.ledger.segments import SegmentReader
from aggregator.rating.price_book import NoPrice
from aggregator.rating.rating import Rater
from aggregator.reports.accounts import NoAccountError, charge_answer
from aggregator.store.charge_rows import RatedCharge
from aggregator.store.questions import reports
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_hour, format_ts, from_us, hour_of
from wire_format.lines import Line, Usage
from wire_format.rule_book import IMPORTED_PATH, PRICES_PATH

_PRICE_TABLE = re.compile(rb"^[ \t]*\[\[[ \t]*price[ \t]*\]\]", re.MULTILINE)


class NoChargeError(GitmeterError):
    """The ledger has no such charge."""


class CountedLine(NamedTuple):
    """A line that counts towards a charge.

    Attributes:
        repo: the repo from which it was read.
        record: the decoded line.
        place: where the line is.
        repeats: how often the same line is in other segments, without exact repetitions of whole
            segments.
    """

    repo: str
    record: Usage
    place: Place
    repeats: int


def explain(
    store: LedgerStore,
    rater: Rater,
    reader: SegmentReader,
    decisions: Decisions,
    charge: tuple[str, str, int],
) -> list[dict[str, Any]]:
    """Explain the charges of one user, resource and clock hour, one for each category.

    Args:
        store: the ledger.
        rater: the rater under the rule book in force.
        reader: reads the segments that contain the lines.
        decisions: the decisions in force.
        charge: the user, the resource and the hour, counted from 1970.

    Returns:
        The charges with their price and lines; `adds_up` is whether the lines sum to the charge.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
        NoChargeError: nothing was charged for the resource in that hour.
    """
    user, resource, hour = charge
    with store.view():
        account_row = store.reports.account(user)
        if account_row is None:
            raise NoAccountError(f"no account of {user!r}", hint="see `aggregator balance`")
        found = [
            charge
            for charge in store.charges.of_account(reports.account_of(account_row), hour, hour + 1)
            if charge.resource == resource
        ]
        if not found:
            raise NoChargeError(
                f"no charge of {user!r} for {resource!r} at {format_hour(hour)}",
                hint="see `aggregator charges USER`",
            )
        lines = list(_lines(store, reader, InForce(decisions, rater), charge))
        rules = store.repos.rule_files()
    return [_explained(charge, rater, lines, rules) for charge in found]


def _lines(
    store: LedgerStore,
    reader: SegmentReader,
    in_force: InForce,
    charge: tuple[str, str, int],
) -> Iterator[CountedLine]:
    """Yield the lines that count, judged again as admission judged them, by node and seq.

    Conflicting lines, corrections and what they correct all have the same `ts`, so the lines of one
    hour are enough to judge it.
    """
    user, resource, hour = charge
    claims: dict[str, list[Claim[Line]]] = defaultdict(list)
    places: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    for segment in store.segments.at_hour(hour):
        for claim in reader.claims(segment):
            if isinstance(claim.record, Usage) and hour_of(claim.record.ts) == hour:
                claims[segment.node].append(claim)
                places[segment.node, claim.line].append(segment.repo)
    for node in sorted(claims):
        judged = verdicts(claims[node], in_force.of_node(node)).values()
        counted = [claim for claim, reason in judged if reason is None]
        for record, line, place in sorted(counted, key=lambda claim: claim.record.seq):
            if isinstance(record, Usage) and (record.user, record.resource) == (user, resource):
                repos = places[node, line]
                yield CountedLine(repos[0], record, place, len(repos) - 1)


def _explained(
    charge: RatedCharge,
    rater: Rater,
    lines: Iterable[CountedLine],
    rules: RuleFiles | None,
) -> dict[str, Any]:
    own = [line for line in lines if line.record.applies_to == charge.row.applies_to]
    units = sum(line.record.units for line in own)
    paid_us = charge.first_paid_us
    return {
        "user": charge.user,
        **charge_answer(charge, rater.ladder),
        "first_paid_at": None if paid_us is None else format_ts(from_us(paid_us)),
        "price": _price(charge, rater, rules),
        "lines": [_line(line) for line in own],
        "adds_up": (units, len(own)) == (charge.row.quantity, charge.row.records),
    }


def _line(line: CountedLine) -> dict[str, Any]:
    return {
        "repo": line.repo,
        "node": line.record.node,
        "seq": line.record.seq,
        "ts": format_ts(line.record.ts),
        "units": line.record.units,
        "instance": line.record.instance,
        "corrects": line.record.corrects,
        "reason": line.record.reason,
        "commit": line.place.commit,
        "path": line.place.path,
        "line_no": line.place.line_no,
        "repeats": line.repeats,
    }


def _price(charge: RatedCharge, rater: Rater, rules: RuleFiles | None) -> dict[str, Any] | None:
    """Return the price that applied, and the line of the rule book that states it."""
    row = charge.row
    price = rater.prices.price_at(charge.resource, row.applies_to, row.hour)
    if isinstance(price, NoPrice) or rules is None:
        return None
    book = rater.rule_book
    path, stated, text = PRICES_PATH, book.prices, rules.prices_toml or b""
    if price.rule not in stated:
        path, stated, text = IMPORTED_PATH, book.imported, rules.imported_toml or b""
    tables = list(_PRICE_TABLE.finditer(text))
    line_no = None
    if len(tables) == len(stated):
        line_no = text.count(b"\n", 0, tables[stated.index(price.rule)].start()) + 1
    return {
        "usd": price.rule.usd,
        "per": price.rule.per,
        "from": format_ts(price.rule.from_),
        "applies_to": price.rule.applies_to,
        "rule_book": rater.rule_book.sha256,
        "commit": rules.commit,
        "path": path,
        "line_no": line_no,
    }
