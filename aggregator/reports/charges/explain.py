"""Explain one charge: a summary of its lines, and the lines.

The lines are read again from their commits and admission judges them again, so the answer is a
check of the ledger, not a copy of it.
"""

from collections.abc import Container
from typing import Any, Final, NamedTuple

from aggregator.admission.batch import RuleFiles
from aggregator.ledger.rejudge import InForce
from aggregator.ledger.segments import SegmentReader
from aggregator.rating.rating import Rater
from aggregator.reports.accounts import NoAccountError, PaidByTerms, charge_answer
from aggregator.reports.charges.charge_summary import ChargeSummary
from aggregator.reports.charges.counted_lines import CountedLine, counted_lines
from aggregator.reports.charges.price_answer import meter_answer, price_answer, window_answer
from aggregator.store.charges.charge_rows import RatedCharge
from aggregator.store.questions import reports
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_hour, format_ts, from_us

LINES_SHOWN_MAX: Final = 20
"""Most lines of a charge that are shown without being asked for."""


class NoChargeError(GitmeterError):
    """The ledger has no such charge."""


class Extent(NamedTuple):
    """How much of a charge is read and shown.

    Attributes:
        lines_max: most lines that are shown; None for all of them.
        shows_first: whether of more lines the first ones are shown; otherwise none are.
        nodes: the nodes whose lines are read; None for all.
    """

    lines_max: int | None = LINES_SHOWN_MAX
    shows_first: bool = False
    nodes: Container[str] | None = None


_SHORT: Final = Extent()


def explain(
    store: LedgerStore,
    rater: Rater,
    reader: SegmentReader,
    decisions: Decisions,
    charge: tuple[str, str, int],
    extent: Extent = _SHORT,
) -> list[dict[str, Any]]:
    """Explain the charges of one user, resource and clock hour, one for each category.

    Args:
        store: the ledger.
        rater: the rater under the rule book in force.
        reader: reads the segments that contain the lines.
        decisions: the decisions in force.
        charge: the user, the resource and the hour, counted from 1970.
        extent: how much is read and shown; lines beyond that do not matter for memory.

    Returns:
        The charges with their price and where in its window they lie, the meter of the account's
        plan with the units that it includes, what each grant paid, `summary` and `lines`, which are
        None where they are too many to be shown; `adds_up` is whether all lines sum to the charge.

    Raises:
        NoAccountError: nothing was ever used or paid under that name.
        NoChargeError: nothing was charged for the resource in that hour.
    """
    user, resource, hour = charge
    with store.view():
        account_row = store.reports.account(user)
        if account_row is None:
            raise NoAccountError(f"no account of {user!r}", hint="see `aggregator balance`")
        account = reports.account_of(account_row)
        charges = store.charges.of_account(account, hour, hour + 1)
        found = [row for row in charges if row.resource == resource]
        if not found:
            raise NoChargeError(
                f"no charge of {user!r} for {resource!r} at {format_hour(hour)}",
                hint="see `aggregator charges USER`",
            )
        explained = {row.row.applies_to: _Explained(extent) for row in found}
        in_force = InForce(decisions, rater)
        for line in counted_lines(store, reader, in_force, charge, extent.nodes):
            if line.record.applies_to in explained:
                explained[line.record.applies_to].add(line)
        rules = store.repos.rule_files()
        windows = [window_answer(store, rater, account, row) for row in found]
        paid, plans = PaidByTerms(store, account), rater.plans_of(account.plans)
        terms = [{"meter": meter_answer(row, plans), **paid.of(row.row)} for row in found]
    return [
        explained[row.row.applies_to].answer(row, rater, rules, window) | own
        for row, window, own in zip(found, windows, terms, strict=True)
    ]


class _Explained:
    """One charge, as its lines come.

    Args:
        extent: how much is shown.
    """

    def __init__(self, extent: Extent) -> None:
        self._lines_max = extent.lines_max
        self._shows_first = extent.shows_first
        self._summary = ChargeSummary()
        self._lines: list[dict[str, Any]] = []

    def add(self, line: CountedLine) -> None:
        """Add a line."""
        self._summary.add(line)
        if self._are_few:
            self._lines.append(_line(line))

    @property
    def _are_few(self) -> bool:
        return self._lines_max is None or self._summary.total.lines <= self._lines_max

    def answer(
        self,
        charge: RatedCharge,
        rater: Rater,
        rules: RuleFiles | None,
        window: dict[str, Any] | None,
    ) -> dict[str, Any]:
        """Return the charge with all lines that came."""
        paid_us, total = charge.first_paid_us, self._summary.total
        return {
            "user": charge.user,
            **charge_answer(charge, rater.ladder),
            "first_paid_at": None if paid_us is None else format_ts(from_us(paid_us)),
            "price": price_answer(charge, rater, rules),
            "window": window,
            "summary": self._summary.answer(),
            "lines": self._lines if self._are_few or self._shows_first else None,
            "adds_up": (total.units, total.lines) == (charge.row.quantity, charge.row.records),
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
