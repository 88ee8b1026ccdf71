"""Data to measure with: any amount of usage and a price for all of it, in real git repos.

The same arguments give the same records. Prices are whole nano-dollars per unit, so that list costs
are exact however they are summed, and the results of other programs can be compared with the
ledger's.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from benchmarks.place import BOOKS, NODE, CommitFiles, Place, provide
from wire_format.commit_message import Summary, Total, build_message
from wire_format.fields import AppliesTo
from wire_format.instants import HOUR_US
from wire_format.lines import Folder, Money, Usage, encode_lines
from wire_format.paths import SegmentPath
from wire_format.rule_book import DEFAULT_DISCOUNTS, DISCOUNTS_PATH
from wire_format.rule_files.prices_file import PRICES_PATH

START: Final = datetime(2012, 1, 1, tzinfo=UTC)
"""The hour of the first commit's records; each further commit has those of the next hour."""

TIERS_FROM: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""From when prices by tiers are in force; what is dated in that year has a price."""

RECORDS_PER_CHARGE: Final = 30
PAYMENT_USD: Final = "50"
GRANT_USD: Final = "0.05"
_TIER_UNITS: Final = 200_000
_SEGMENT_LINES: Final = 5_000
_UNITS_MAX: Final = 5000
_PAY_DAYS: Final = 28
_LADDER_FROM: Final = "from = 2020-01-01"
"""The start of the default ladder, which is replaced by the time of the first record."""


class Resource(NamedTuple):
    """A resource and its price: `usd` for `per` units."""

    name: str
    applies_to: AppliesTo
    usd: str
    per: int


RESOURCES: Final = (
    Resource("hero_os/seconds", "hero_os_hourly", "0.36", 3600),
    Resource("vm/small/seconds", "vm", "0.036", 3600),
    Resource("vm/large/seconds", "vm", "0.144", 3600),
    Resource("llm/openai/gpt-4o/input_tokens", "llm", "2.50", 1_000_000),
    Resource("llm/openai/gpt-4o/output_tokens", "llm", "10.00", 1_000_000),
    Resource("llm/openai/gpt-4o-mini/input_tokens", "llm", "0.15", 1_000_000),
    Resource("llm/openai/gpt-4o-mini/output_tokens", "llm", "0.60", 1_000_000),
    Resource("llm/anthropic/claude/output_tokens", "llm", "15.00", 1_000_000),
)


BooksKind = Literal["plain", "tiers", "grants", "grants without terms", "tiers and grants"]


class Shape(NamedTuple):
    """How much usage there is, and how it is spread.

    Attributes:
        name: the name of its folder.
        records, commits, users: how many there are; a commit is one segment of one clock hour.
        records_per_charge: about how many records share hour, user and resource; 1 is exact.
        books: what the books have besides a payment of each user and a price for each resource:
            nothing, prices by tiers of the month, a grant for each user, or both. A grant has
            terms, unless it is a line of version 1, which has none and lies in the pool.
    """

    name: str
    records: int
    commits: int
    users: int
    records_per_charge: int
    books: BooksKind = "plain"

    def sizes(self) -> list[int]:
        """How many records each commit has."""
        even, left = divmod(self.records, self.commits)
        return [even + (i < left) for i in range(self.commits)]


def make(
    folder: Path, shape: Shape, others: Mapping[str, Iterable[CommitFiles]] | None = None
) -> Place:
    """Write the repos of a shape and mirror them, unless the folder already has them.

    Args:
        folder: the folder.
        shape: what the books and the node have.
        others: the commits of further nodes.
    """
    commits = {BOOKS: _books_commits(shape), NODE: _usage_commits(shape), **(others or {})}
    return provide(folder, str(shape), commits)


def usage_commit(
    users: Sequence[str], at: datetime, first_seq: int, records: int, records_per_charge: int
) -> CommitFiles:
    """Make the commit of one clock hour's usage; `at` is the hour's beginning."""
    rng = random.Random(first_seq)
    drawn = rng.sample(range(len(users) * len(RESOURCES)), max(1, records // records_per_charge))
    keys = drawn if len(drawn) == records else rng.choices(drawn, k=records)
    lines: list[Usage] = []
    for i, key in enumerate(keys):
        resource = RESOURCES[key % len(RESOURCES)]
        units = rng.randrange(1, _UNITS_MAX)
        ts = at + timedelta(microseconds=(i * HOUR_US + units) // records)
        lines.append(usage(first_seq + i, users[key // len(RESOURCES)], ts, resource, units))
    return segment_commit(at + timedelta(hours=1), lines)


def usage(
    seq: int, user: str, ts: datetime, resource: Resource, units: int, node: str = NODE
) -> Usage:
    """A record of usage."""
    return Usage(
        v=1,
        node=node,
        seq=seq,
        ts=ts,
        user=user,
        resource=resource.name,
        applies_to=resource.applies_to,
        units=units,
    )


def segment_commit(at: datetime, lines: Sequence[Usage]) -> CommitFiles:
    """Make the commit of one segment of usage."""
    node, first_seq = lines[0].node, lines[0].seq
    units_of: Counter[str] = Counter()
    records_of: Counter[str] = Counter()
    for line in lines:
        units_of[line.resource] += line.units
        records_of[line.resource] += 1
    times = [line.ts for line in lines]
    path = str(SegmentPath(Folder.USAGE, at.date(), first_seq))
    summary = Summary(node, first_seq, lines[-1].seq, len(lines), min(times), max(times))
    totals = [Total(name, str(units_of[name]), records_of[name]) for name in sorted(units_of)]
    message = build_message(Folder.USAGE, summary, totals)
    return CommitFiles(at, message, {path: encode_lines(lines)})


@cache
def users_of(count: int) -> tuple[str, ...]:
    """Account ids in the form of overlay network addresses."""
    rng = random.Random(count)
    return tuple(":".join(f"{rng.getrandbits(16):04x}" for _ in range(4)) for _ in range(count))


def prices_toml(resources: Iterable[Resource] = RESOURCES) -> bytes:
    """A `prices.toml` with a price for every resource."""
    return "\n".join(
        f'[[price]]\nresource = "{resource.name}"\napplies_to = "{resource.applies_to}"\n'
        f'usd = "{resource.usd}"\nper = {resource.per}\nfrom = {START:%Y-%m-%dT%H:%M:%SZ}\n'
        for resource in resources
    ).encode()


def _usage_commits(shape: Shape) -> Iterator[CommitFiles]:
    users = users_of(shape.users)
    first_seq = 1
    for hour, records in enumerate(shape.sizes()):
        at = START + timedelta(hours=hour)
        yield usage_commit(users, at, first_seq, records, shape.records_per_charge)
        first_seq += records


def tiers_toml() -> bytes:
    """A `prices.toml` with a price by tiers of the month for every resource."""
    return "\n".join(
        f'[[price]]\nresource = "{resource.name}"\napplies_to = "{resource.applies_to}"\n'
        f'per = {resource.per}\nwindow = "month"\nfrom = {TIERS_FROM:%Y-%m-%dT%H:%M:%SZ}\n'
        f'tiers = [{{ up_to = {_TIER_UNITS}, usd = "{resource.usd}" }}, {{ usd = "0.01" }}]\n'
        for resource in RESOURCES
    ).encode()


def rules_commit(files: Mapping[str, bytes]) -> CommitFiles:
    """The commit of a rule book, with the default ladder from the first record on."""
    ladder = DEFAULT_DISCOUNTS.replace(_LADDER_FROM, f"from = {START:%Y-%m-%d}").encode()
    return CommitFiles(START, "rules: books\n", {DISCOUNTS_PATH: ladder, **files})


def money_commit(what: str, at: datetime, lines: Sequence[Money]) -> CommitFiles:
    """One commit of money lines, as one segment."""
    path = str(SegmentPath(Folder.PAYMENTS, at.date(), lines[0].seq))
    return CommitFiles(at, f"{what}: books\n", {path: encode_lines(lines)})


def payment(seq: int, user: str, ts: datetime, usd: str = PAYMENT_USD) -> Money:
    """A payment that counts."""
    return Money(
        v=1,
        node=BOOKS,
        seq=seq,
        ts=ts,
        user=user,
        kind="payment",
        provider="manual",
        amount=usd,
        currency="USD",
        status="succeeded",
    )


def grant(seq: int, user: str, usd: str, hours: tuple[datetime, datetime | None]) -> Money:
    """A grant with terms: from when it pays, and until when."""
    from_, until = hours
    terms = {"category": "promotional", "priority": 50 if until else 100}
    plain = _grant_without_terms(seq, user, usd)
    return replace(plain, v=2, from_=from_, until=until, **terms)


def _grant_without_terms(seq: int, user: str, usd: str) -> Money:
    return replace(payment(seq, user, START, usd), kind="grant", external_ref=f"grant:{seq}")


def _books_commits(shape: Shape) -> Iterator[CommitFiles]:
    """Yield the rule book, then one payment of each user, spread so that all tiers occur."""
    users = shape.users
    prices = tiers_toml() if "tiers" in shape.books else prices_toml()
    yield rules_commit({PRICES_PATH: prices})
    if "grants" in shape.books:
        yield from _grants_commits(shape)
    by_day: dict[int, list[Money]] = {}
    for i, user in enumerate(users_of(users)):
        day = i * _PAY_DAYS // users
        by_day.setdefault(day, []).append(payment(i + 1, user, START + timedelta(days=day)))
    for day, lines in by_day.items():
        yield money_commit("payments", START + timedelta(days=day + 1), lines)


def _grants_commits(shape: Shape) -> Iterator[CommitFiles]:
    """Yield commits of one grant for each user, for the first month or for ever."""
    month = START, START + timedelta(days=30)
    lines = [
        _grant_without_terms(seq, user, GRANT_USD)
        if shape.books == "grants without terms"
        else grant(seq, user, GRANT_USD, month)
        for seq, user in enumerate(users_of(shape.users), start=shape.users + 1)
    ]
    at = START + timedelta(hours=1)
    for first in range(0, len(lines), _SEGMENT_LINES):
        yield money_commit("grants", at, lines[first : first + _SEGMENT_LINES])
