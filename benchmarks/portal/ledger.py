"""The ledger that the portal reads: very many accounts, and one that uses all resources each hour.

It is made through git, as any other. It ends at the midnight before it was made; with keys in it,
whose secrets lie beside it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple

from aggregator.cli.context import now as clock
from benchmarks.data import (
    RESOURCES,
    money_commit,
    payment,
    prices_toml,
    rules_commit,
    segment_commit,
    usage,
    users_of,
)
from benchmarks.ingest import pull, show_progress
from benchmarks.place import BOOKS, NODE, CommitFiles, Place, provide
from gitmeter.keys.secret import NewKey, digest_of, make_key
from wire_format.instants import HOUR_US
from wire_format.lines import Account, Folder, encode_lines
from wire_format.paths import SegmentPath
from wire_format.rule_files.prices_file import PRICES_PATH

DAYS: Final = 365
KEYS: Final = 1000
RPM: Final = 1_000_000
_SCOPES: Final = ("allowed:*", "balance:read", "usage:read")
_DONE: Final = "done"
_SECRETS: Final = "secrets"


class PortalLedger(NamedTuple):
    """A ledger of many accounts.

    Attributes:
        place: where it is.
        start: the first hour with usage.
        users: the accounts; the first one uses every resource in every hour of a year.
        keys: secrets of some of them; the first is of the first.
    """

    place: Place
    start: datetime
    users: tuple[str, ...]
    keys: tuple[str, ...]


def provide_accounts(folder: Path, accounts: int, days: int = DAYS) -> PortalLedger:
    """Make the ledger, unless the folder has one of this day.

    Args:
        folder: where it is kept.
        accounts: how many there are.
        days: of how many days the usage is.
    """
    end = clock().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    place = Place(folder / f"{accounts}-accounts-{days}-days-until-{end:%Y-%m-%d}")
    start, secrets = end - timedelta(days=days), place.folder / _SECRETS
    if not (place.folder / _DONE).exists():
        rmtree(place.folder, ignore_errors=True)  # what an earlier run did not finish
        keys = [make_key() for _ in range(min(KEYS, accounts))]
        _make(place, users_of(accounts), start, days, keys)
        secrets.write_text("\n".join(key.secret for key in keys))
        (place.folder / _DONE).touch()
    return PortalLedger(place, start, users_of(accounts), tuple(secrets.read_text().split()))


def _make(
    place: Place, users: tuple[str, ...], start: datetime, days: int, keys: list[NewKey]
) -> None:
    show_progress(f"data of {len(users):,} accounts")
    provide(
        place.folder,
        f"{len(users)} accounts, {days} days",
        {BOOKS: _books_commits(users, start, days, keys), NODE: _usage_commits(users, start, days)},
    )
    show_progress("pulling")
    pulled = pull(place, days * 24 * len(RESOURCES) + len(users))
    show_progress(f"pulled in {pulled['cpu_s']:.0f} s CPU")


def _books_commits(
    users: tuple[str, ...], start: datetime, days: int, keys: list[NewKey]
) -> Iterator[CommitFiles]:
    """Yield prices, a payment of each account over the days, and keys."""
    yield rules_commit({PRICES_PATH: prices_toml()})
    seq = 0
    for day in range(days):
        noon = start + timedelta(days=day, hours=12)
        paying = users[day::days]
        lines = [payment(seq + at, user, noon) for at, user in enumerate(paying, start=1)]
        seq += len(lines)
        if lines:
            yield money_commit("payments", noon + timedelta(hours=1), lines)
    yield _keys_commit(users, start + timedelta(hours=1), seq + 1, keys)


def _asking(users: tuple[str, ...]) -> tuple[str, ...]:
    """The accounts that have a key, spread over all of them."""
    return users[:: max(1, len(users) // KEYS)][:KEYS]


def _keys_commit(
    users: tuple[str, ...], at: datetime, first_seq: int, keys: list[NewKey]
) -> CommitFiles:
    lines = [
        Account(
            v=2,
            node=BOOKS,
            seq=seq,
            ts=at,
            user=user,
            kind="key",
            key_id=key.key_id,
            sha256=digest_of(key.secret),
            scopes=_SCOPES,
            rpm=RPM,
        )
        for seq, (user, key) in enumerate(zip(_asking(users), keys, strict=True), start=first_seq)
    ]
    path = str(SegmentPath(Folder.ACCOUNTS, at.date(), first_seq))
    return CommitFiles(at, "accounts: books\n", {path: encode_lines(lines)})


def _usage_commits(users: tuple[str, ...], start: datetime, days: int) -> Iterator[CommitFiles]:
    """Yield a commit for each hour: all resources of the first account, and one of some others."""
    seq, hours = 0, days * 24
    for hour in range(hours):
        at = start + timedelta(hours=hour)
        used = [(users[0], resource) for resource in RESOURCES]
        used += [(user, RESOURCES[hour % len(RESOURCES)]) for user in users[hour::hours]]
        lines = [
            usage(
                seq + place,
                user,
                at + timedelta(microseconds=place * HOUR_US // (len(used) + 1)),
                resource,
                units=hour % 1000 + place,
            )
            for place, (user, resource) in enumerate(used, start=1)
        ]
        seq += len(lines)
        yield segment_commit(at + timedelta(hours=1), lines)
