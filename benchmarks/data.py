"""Data to measure with: any amount of usage and a price for all of it, in real git repos.

The same arguments give the same records. Prices are whole nano-dollars per unit, so that list costs
are exact however they are summed, and the results of other programs can be compared with the
ledger's.
"""

import random
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from aggregator.config.loading import load_config
from aggregator.config.settings import Config
from aggregator.mirrors.mirror import APPLIED_REF
from aggregator.mirrors.state import State
from aggregator.proof.rebuild import remove_database
from gitmeter.git_remote.branch import fetch
from gitmeter.git_remote.runner import clean_environment, run_git
from wire_format.commit_message import Summary, Total, build_message
from wire_format.fields import AppliesTo
from wire_format.instants import HOUR_US
from wire_format.lines import Folder, Money, Usage, encode_lines
from wire_format.paths import SegmentPath
from wire_format.rule_book import DEFAULT_DISCOUNTS, DISCOUNTS_PATH
from wire_format.rule_files.prices_file import PRICES_PATH

NODE: Final = "bench-01"
BOOKS: Final = "books"
START: Final = datetime(2012, 1, 1, tzinfo=UTC)
"""The hour of the first commit's records; each further commit has those of the next hour."""

RECORDS_PER_CHARGE: Final = 30
PAYMENT_USD: Final = "50"
GRANT_USD: Final = "0.05"
_TIER_UNITS: Final = 200_000
_SEGMENT_LINES: Final = 5_000
_GIT_TIMEOUT_S: Final = 3600
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


BooksKind = Literal["plain", "tiers", "grants"]


class Shape(NamedTuple):
    """How much usage there is, and how it is spread.

    Attributes:
        name: the name of its folder.
        records, commits, users: how many there are; a commit is one segment of one clock hour.
        records_per_charge: about how many records share hour, user and resource; 1 is exact.
        books: what the books have besides payments and a price for each resource: nothing, prices
            by tiers of the month, or a grant with terms for each user.
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


class Place(NamedTuple):
    """A folder with remotes of one shape and the state directory of an aggregator."""

    folder: Path

    @property
    def usage_origin(self) -> Path:
        """The node's remote."""
        return self.folder / f"{NODE}.git"

    @property
    def books_origin(self) -> Path:
        """The books' remote."""
        return self.folder / f"{BOOKS}.git"

    @property
    def mirror(self) -> Path:
        """The mirror of the node's repo."""
        return self.config().mirror_path(NODE)

    @property
    def books_mirror(self) -> Path:
        """The mirror of the books."""
        return self.config().mirror_path(BOOKS)

    @property
    def config_path(self) -> Path:
        """The file of the aggregator's configuration."""
        return self.folder / "aggregator.toml"

    def config(self) -> Config:
        """Read the configuration."""
        return load_config(self.config_path, environment={})

    def forget(self) -> None:
        """Remove the ledger and the accepted tips; what the mirrors have fetched stays."""
        remove_database(self.config().database_path)
        for mirror in (self.mirror, self.books_mirror):
            _git("-C", str(mirror), "update-ref", "-d", APPLIED_REF)


def make(folder: Path, shape: Shape) -> Place:
    """Write the repos of a shape and mirror them, unless the folder already has them."""
    place = Place(folder)
    done = folder / "made"
    if not done.exists():
        folder.mkdir(parents=True)
        _import(place.usage_origin, _usage_commits(shape))
        _import(place.books_origin, _books_commits(shape))
        place.config_path.write_text(_config_toml(place))
        _mirror(place)
        done.write_text(f"{shape}\n")
    elif done.read_text() != f"{shape}\n":
        raise SystemExit(f"{folder} has data of another size: {done.read_text()}")
    return place


class CommitFiles(NamedTuple):
    """One commit to write: its time, message and files by path."""

    at: datetime
    message: str
    files: dict[str, bytes]


def usage_commit(
    users: Sequence[str], at: datetime, first_seq: int, records: int, records_per_charge: int
) -> CommitFiles:
    """Make the commit of one clock hour's usage; `at` is the hour's beginning."""
    rng = random.Random(first_seq)
    drawn = rng.sample(range(len(users) * len(RESOURCES)), max(1, records // records_per_charge))
    keys = drawn if len(drawn) == records else rng.choices(drawn, k=records)
    lines: list[Usage] = []
    units_of: Counter[str] = Counter()
    records_of: Counter[str] = Counter()
    for i, key in enumerate(keys):
        resource = RESOURCES[key % len(RESOURCES)]
        units = rng.randrange(1, _UNITS_MAX)
        units_of[resource.name] += units
        records_of[resource.name] += 1
        lines.append(
            Usage(
                v=1,
                node=NODE,
                seq=first_seq + i,
                ts=at + timedelta(microseconds=(i * HOUR_US + units) // records),
                user=users[key // len(RESOURCES)],
                resource=resource.name,
                applies_to=resource.applies_to,
                units=units,
            )
        )
    done_at = at + timedelta(hours=1)
    path = str(SegmentPath(Folder.USAGE, done_at.date(), first_seq))
    summary = Summary(NODE, first_seq, first_seq + records - 1, records, lines[0].ts, lines[-1].ts)
    totals = [Total(name, str(units_of[name]), records_of[name]) for name in sorted(units_of)]
    message = build_message(Folder.USAGE, summary, totals)
    return CommitFiles(done_at, message, {path: encode_lines(lines)})


@cache
def users_of(count: int) -> tuple[str, ...]:
    """Account ids in the form of overlay network addresses."""
    rng = random.Random(count)
    return tuple(":".join(f"{rng.getrandbits(16):04x}" for _ in range(4)) for _ in range(count))


def prices_toml() -> bytes:
    """A `prices.toml` with a price for every resource."""
    return "\n".join(
        f'[[price]]\nresource = "{resource.name}"\napplies_to = "{resource.applies_to}"\n'
        f'usd = "{resource.usd}"\nper = {resource.per}\nfrom = {START:%Y-%m-%dT%H:%M:%SZ}\n'
        for resource in RESOURCES
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
        f'per = {resource.per}\nwindow = "month"\nfrom = {START:%Y-%m-%dT%H:%M:%SZ}\n'
        f'tiers = [{{ up_to = {_TIER_UNITS}, usd = "{resource.usd}" }}, {{ usd = "0.01" }}]\n'
        for resource in RESOURCES
    ).encode()


def _books_commits(shape: Shape) -> Iterator[CommitFiles]:
    """Yield the rule book, then one payment of each user, spread so that all tiers occur."""
    users = shape.users
    ladder = DEFAULT_DISCOUNTS.replace(_LADDER_FROM, f"from = {START:%Y-%m-%d}").encode()
    prices = tiers_toml() if shape.books == "tiers" else prices_toml()
    rules = {PRICES_PATH: prices, DISCOUNTS_PATH: ladder}
    yield CommitFiles(START, "rules: prices and ladder\n", rules)
    if shape.books == "grants":
        yield from _grants_commits(users)
    by_day: dict[int, list[Money]] = {}
    for i, user in enumerate(users_of(users)):
        day = i * _PAY_DAYS // users
        by_day.setdefault(day, []).append(
            Money(
                v=1,
                node=BOOKS,
                seq=i + 1,
                ts=START + timedelta(days=day),
                user=user,
                kind="payment",
                provider="manual",
                amount=PAYMENT_USD,
                currency="USD",
                status="succeeded",
            )
        )
    for day, lines in by_day.items():
        at = START + timedelta(days=day + 1)
        path = str(SegmentPath(Folder.PAYMENTS, at.date(), lines[0].seq))
        yield CommitFiles(at, "payments: books\n", {path: encode_lines(lines)})


def _grants_commits(users: int) -> Iterator[CommitFiles]:
    """Yield commits of one grant for each user, for the first month."""
    lines = [
        Money(
            v=2,
            node=BOOKS,
            seq=users + i + 1,
            ts=START,
            user=user,
            kind="grant",
            provider="manual",
            external_ref=f"signup:{i}",
            amount=GRANT_USD,
            currency="USD",
            status="succeeded",
            category="promotional",
            priority=50,
            from_=START,
            until=START + timedelta(days=30),
        )
        for i, user in enumerate(users_of(users))
    ]
    at = START + timedelta(hours=1)
    for first in range(0, len(lines), _SEGMENT_LINES):
        part = lines[first : first + _SEGMENT_LINES]
        path = str(SegmentPath(Folder.PAYMENTS, at.date(), part[0].seq))
        yield CommitFiles(at, "grants: books\n", {path: encode_lines(part)})


def _config_toml(place: Place) -> str:
    return (
        f'state = "{place.folder / "state"}"\n'
        f'[[repo]]\nnode = "{BOOKS}"\nurl = "{place.books_origin.as_uri()}"\nrole = "books"\n'
        "allow_unsigned = true\n"
        f'[[repo]]\nnode = "{NODE}"\nurl = "{place.usage_origin.as_uri()}"\n'
        "allow_unsigned = true\n"
    )


def _import(path: Path, commits: Iterator[CommitFiles] | list[CommitFiles]) -> None:
    """Write commits into a new bare repo and pack it as a forge's housekeeping would."""
    _git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
    process = subprocess.Popen(
        ["git", "-C", str(path), "fast-import", "--quiet", "--depth=0"],
        stdin=subprocess.PIPE,
        env=clean_environment(),
    )
    if process.stdin is None:
        raise RuntimeError("fast-import has no standard input")
    with process, process.stdin as stream:
        for commit in commits:
            seconds = int(commit.at.timestamp())
            message = commit.message.encode()
            stream.write(
                b"commit refs/heads/main\n"
                b"committer %b <%b@example.invalid> %d +0000\n"
                b"data %d\n%b\n" % (NODE.encode(), NODE.encode(), seconds, len(message), message)
            )
            for name, data in commit.files.items():
                stream.write(b"M 100644 inline %b\ndata %d\n" % (name.encode(), len(data)))
                stream.write(data + b"\n")
    if process.returncode != 0:
        raise RuntimeError(f"git fast-import failed with {process.returncode}")
    _git("-C", str(path), "repack", "-a", "-d", "-f", "--quiet")


def _mirror(place: Place) -> None:
    """Fetch both repos as the aggregator does."""
    config = place.config()
    state = State(config)
    for repo in config.repo:
        mirror = state.mirrors.open(repo.identity)
        refspec = f"+refs/heads/{repo.branch}:refs/heads/{repo.branch}"
        fetch(repo.remote, mirror.path, refspec, timeout_s=_GIT_TIMEOUT_S)


def _git(*args: str) -> None:
    result = run_git(args, timeout_s=_GIT_TIMEOUT_S)
    if result.returncode != 0:
        raise RuntimeError(f"git {args[0]} failed: {result.stderr}")
