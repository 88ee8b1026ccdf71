"""The books of the ledger: payments and refunds, grants, and plans."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from benchmarks.data import grant, payment, prices_toml, rules_commit
from benchmarks.place import BOOKS, CommitFiles
from benchmarks.reports.usage import RESOURCES, Size
from wire_format.lines import Account, Folder, Money, encode_lines
from wire_format.money import parse_nano
from wire_format.paths import SegmentPath
from wire_format.rule_files.plans_file import PLANS_PATH
from wire_format.rule_files.prices_file import PRICES_PATH

_PLAN: Final = "starter"
_FEE_USD: Final = "20.00"
_CYCLE: Final = timedelta(days=30)
_PLANS: Final = f"""\
[[plan]]
name = "{_PLAN}"
from = 2013-01-01T00:00:00Z
cycle_hours = {_CYCLE // timedelta(hours=1)}
fee_usd = "{_FEE_USD}"
credit_usd = "5.00"

[[plan.meter]]
name = "tokens"
match = ["llm/**"]
included = 20000
beyond = "bill"
"""

_MONTHLY: Final = 413
"""One account in so many, of the largest ones, pays every month..."""
_ONCE: Final = 34
"""... and one in so many of the others pays once."""
_LARGE: Final = 2480
"""One in so many, of the largest ones, pays ten times as much."""
_REFUNDED: Final = 40
"""One payment in so many is refunded in part."""
_TERMS: Final = 100
"""One account in so many has a grant with terms, or a plan."""

Kind = Literal["payment", "refund", "grant", "plan"]


class _Event(NamedTuple):
    """What one line says.

    Attributes:
        day: when, in days after the first.
        is_account: whether it is a line about an account, which come after those about money.
        kind: what it says.
        rank: the rank of the account.
        number: of payments and refunds, which payment it is.
    """

    day: int
    is_account: bool
    kind: Kind
    rank: int
    number: int = 0


class Sums:
    """What lines come to.

    Attributes:
        pool_nano: payments less refunds and fees, in nano-dollars.
        lines: how many there are of each kind.
    """

    def __init__(self) -> None:
        self.pool_nano = 0
        self.lines: dict[Kind, int] = {}

    def add(self, kind: Kind, usd: str | None) -> None:
        """Count a line."""
        self.lines[kind] = self.lines.get(kind, 0) + 1
        if usd is not None:
            self.pool_nano += parse_nano(usd) if kind == "payment" else -parse_nano(usd)


def books_commits(size: Size, start: datetime, sums: Sums) -> Iterator[CommitFiles]:
    """Yield the rule book, then a commit for each day on which something happened.

    Args:
        size: how much there is.
        start: the first hour.
        sums: what the lines come to is added here.
    """
    yield rules_commit({PRICES_PATH: prices_toml(RESOURCES), PLANS_PATH: _PLANS.encode()})
    seq = 0
    seqs: dict[int, int] = {}
    for day, events in groupby(sorted(_events(size)), attrgetter("day")):
        noon = start + timedelta(days=day, hours=12)
        lines: dict[Folder, list[Money | Account]] = {}
        for event in events:
            seq += 1
            if event.kind == "payment":
                seqs[event.number] = seq
            line = _line(event, seq, size, noon, seqs)
            folder = Folder.ACCOUNTS if event.is_account else Folder.PAYMENTS
            lines.setdefault(folder, []).append(line)
            usd = line.fee_usd if isinstance(line, Account) else line.amount
            sums.add(event.kind, None if event.kind == "grant" else usd)
        at = noon + timedelta(hours=6)
        files = {
            str(SegmentPath(folder, at.date(), found[0].seq)): encode_lines(found)
            for folder, found in lines.items()
        }
        yield CommitFiles(at, "books: books\n", files)


def _events(size: Size) -> Iterator[_Event]:
    number = 0
    for rank in range(size.accounts):
        for day in _pay_days(rank, size):
            number += 1
            yield _Event(day, is_account=False, kind="payment", rank=rank, number=number)
            if number % _REFUNDED == 0 and day + 1 < size.days:
                later = min(day + 5, size.days - 1)
                yield _Event(later, is_account=False, kind="refund", rank=rank, number=number)
        day = rank % (size.days - 1)
        if rank % (2 * _TERMS) == 0:
            yield _Event(day, is_account=False, kind="grant", rank=rank)
        elif rank % _TERMS == 0:
            for begin in range(day, size.days, _CYCLE.days):
                yield _Event(begin, is_account=True, kind="plan", rank=rank)


def _pay_days(rank: int, size: Size) -> Iterator[int]:
    if rank * _MONTHLY < size.accounts:
        yield from range(rank % _CYCLE.days % size.days, size.days, _CYCLE.days)
    elif rank % _ONCE == 0:
        yield rank // _ONCE % size.days


def _line(
    event: _Event, seq: int, size: Size, noon: datetime, seqs: dict[int, int]
) -> Money | Account:
    user = size.users[event.rank]
    midnight = noon + timedelta(hours=12)
    usd = "500.00" if event.rank * _LARGE < size.accounts else "50.00"
    paid = payment(seq, user, noon, usd)
    match event.kind:
        case "payment":
            return paid
        case "refund":
            return replace(paid, kind="refund", amount="10.00", refers_to=seqs[event.number])
        case "grant":
            is_endless = event.rank % (4 * _TERMS) == 0
            until = None if is_endless else midnight + 3 * _CYCLE
            category: Literal["paid", "promotional"] = "promotional" if is_endless else "paid"
            return replace(grant(seq, user, usd, (midnight, until)), ts=noon, category=category)
        case "plan":
            return Account(
                v=2,
                node=BOOKS,
                seq=seq,
                ts=noon,
                user=user,
                kind="plan",
                plan=_PLAN,
                from_=midnight,
                until=midnight + _CYCLE,
                fee_usd=_FEE_USD,
            )
