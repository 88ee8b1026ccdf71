"""Many movements in one transaction, each judged as if they were entered one after the other."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from books.bulk.text import Row
from books.checks import similar_users
from books.earlier_lines import bring_here
from books.errors import AlreadyRecordedError, MoneyError
from books.known.money import MoneyIndex, read_money
from books.money import Movement, enter, movement_of, refuse_malformed
from books.writers import read_writers
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.field_types import MoneyKind
from wire_format.fields import CURRENCY_PATTERN
from wire_format.lines import Money
from wire_format.money import parse_nano
from wire_format.writers import Writers

_CURRENCY: Final = re.compile(CURRENCY_PATTERN)
_COMPARED_MAX: Final = 20
"""Of so many new users the names are compared with all others. More are not typing errors, and each
takes a look at every name."""


class RefusedRow(NamedTuple):
    """A row that was not recorded.

    Attributes:
        line_no: its number in the text, from 1.
        reason: why.
        hint: what can be done about it; may be empty.
    """

    line_no: int
    reason: str
    hint: str


@dataclass
class NotTaken:
    """Rows that are none to be recorded, for one reason.

    Attributes:
        line_nos: their numbers in the text, from 1.
        nano: the sum of their amounts for each currency, in 1e-9 of its unit.
    """

    line_nos: list[int] = field(default_factory=list)
    nano: Counter[str] = field(default_factory=Counter)


@dataclass
class BulkReport:
    """What became of rows.

    Attributes:
        is_recorded: whether the accepted rows are on disk.
        rows: how many there were: accepted, already there, not taken and refused ones.
        accepted: new ones that break no rule.
        already: those that are recorded already, with the same content.
        accepted_nano, already_nano: the sums of their amounts for each currency, in 1e-9 of its
            unit.
        not_taken: those that are none to be recorded, by the reason.
        refused: all others.
        first_seq, last_seq: of what was recorded; None if nothing was.
        without_reference: accepted ones that state no `external_ref`.
        new_users: whom no line of the books named before, each once.
        similar_users: for new users, if they are few, users whose names differ in case or in one
            letter.
    """

    is_recorded: bool = False
    rows: int = 0
    accepted: int = 0
    already: int = 0
    accepted_nano: Counter[str] = field(default_factory=Counter)
    already_nano: Counter[str] = field(default_factory=Counter)
    not_taken: dict[str, NotTaken] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)
    first_seq: int | None = None
    last_seq: int | None = None
    without_reference: int = 0
    new_users: list[str] = field(default_factory=list)
    similar_users: dict[str, list[str]] = field(default_factory=dict)


class _TakenBackError(Exception):
    """Ends a transaction of which nothing is to stay."""


def record_rows(
    spool: Spool,
    kind: MoneyKind,
    rows: Iterable[Row],
    *,
    skip_refused: bool = False,
    dry_run: bool = False,
    on_row: Callable[[Row], object] = lambda _row: None,
    on_refused: Callable[[Row], object] = lambda _row: None,
) -> BulkReport:
    """Record rows, all of them or none.

    A row that is recorded already, with the same content, is passed over.

    Args:
        spool: of the books.
        kind: what the rows are.
        rows: in the order in which they are entered.
        skip_refused: record the others although some are refused.
        dry_run: record nothing.
        on_row: called with each row.
        on_refused: called with each row that is refused, before anything is on disk.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the books were joined without file contents, and the remote does not provide
            them.
        SpoolError: they could not be written; nothing was recorded.
    """
    home = reread(spool.home)
    writers = read_writers(home)
    bring_here(home)
    report = BulkReport()
    try:
        with spool.store.exclusive():
            index = read_money(home, spool)
            entering = _Entering(spool, kind, index, writers, report)
            for row in rows:
                on_row(row)
                if not entering.take(row):
                    on_refused(row)
            entering.end(keep=not dry_run and (skip_refused or not report.refused))
    except _TakenBackError:
        report.first_seq = report.last_seq = None
    if len(report.new_users) <= _COMPARED_MAX:
        names = list(index.users())
        found = {user: sorted(similar_users(user, names)) for user in report.new_users}
        report.similar_users = {user: similar for user, similar in found.items() if similar}
    return report


class _Entering:
    """Enters rows within a transaction, and counts what becomes of them."""

    def __init__(
        self,
        spool: Spool,
        kind: MoneyKind,
        index: MoneyIndex,
        writers: Writers,
        report: BulkReport,
    ) -> None:
        self._spool = spool
        self._kind = kind
        self._index = index
        self._writers = writers
        self._now = spool.now()
        self._report = report

    def take(self, row: Row) -> bool:
        """Enter a row, if it is one to be recorded; returns False when it is refused."""
        self._report.rows += 1
        if row.not_taken:
            self._leave(row)
            return True
        try:
            self._enter(row)
        except AlreadyRecordedError as error:
            self._report.already += 1
            self._report.already_nano[error.line.currency] += parse_nano(error.line.amount)
        except MoneyError as error:
            self._report.refused.append(RefusedRow(row.line_no, str(error), error.hint))
            return False
        return True

    def end(self, *, keep: bool) -> None:
        """End the transaction: keep what was entered, or take it back."""
        if not keep:
            raise _TakenBackError
        self._report.is_recorded = True

    def _enter(self, row: Row) -> None:
        if row.fault:
            raise MoneyError(row.fault, hint=row.hint)
        movement = movement_of(self._kind, row.stated)
        refuse_malformed(movement, self._now)
        is_new = not self._index.has_user(movement.user)
        line = enter(self._spool, movement, self._index, self._writers, self._now)
        if is_new:
            self._report.new_users.append(line.user)
        self._count(line, movement)

    def _leave(self, row: Row) -> None:
        rows = self._report.not_taken.setdefault(row.not_taken, NotTaken())
        rows.line_nos.append(row.line_no)
        currency = (row.stated.get("currency") or CURRENCY_DEFAULT).upper()
        if "amount" in row.stated and _CURRENCY.fullmatch(currency):
            rows.nano[currency] += parse_nano(row.stated["amount"])

    def _count(self, line: Money, movement: Movement) -> None:
        report = self._report
        report.accepted += 1
        report.accepted_nano[line.currency] += parse_nano(line.amount)
        report.first_seq = report.first_seq or line.seq
        report.last_seq = line.seq
        report.without_reference += movement.external_ref is None
