"""What another rule book would change in hours that have begun. Pure.

A price is used by every hour in which it is in force, whether or not anything was used then: the
books do not see the ledger.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from books.rule_book.rule_changes import (
    TENURE_MIN,
    Version,
    account_text,
    ladder_text,
    price_text,
    writer_versions,
)
from gitmeter.pricing.price_book import NoPrice, PriceBook
from wire_format.fields import APPLIES_TO, AppliesTo
from wire_format.instants import HOUR_US, format_hour, hour_of
from wire_format.money import format_usd
from wire_format.rule_book import Ladder, RuleBook
from wire_format.rule_files.prices_file import Price

NO_PRICE: Final = "no price"
_NOT_STATED: Final = "not stated"
_LADDER: Final = "the discount ladder"


class PastChange(NamedTuple):
    """A price, or the discount ladder, that begun hours use and that another rule book changes.

    Attributes:
        rule: the resource, with its categories where it is not the same for all; or the ladder.
        from_hour, until_hour: the hours, as clock-hour numbers; the last one is excluded.
        was, becomes: in words.
    """

    rule: str
    from_hour: int
    until_hour: int
    was: str
    becomes: str

    @property
    def what(self) -> str:
        """The rule, and what becomes of it."""
        return f"{self.rule}: {self.was} becomes {self.becomes}"

    @property
    def when(self) -> str:
        """The hours."""
        hours = self.until_hour - self.from_hour
        noun = "hour" if hours == 1 else "hours"
        span = f"from {format_hour(self.from_hour)} until {format_hour(self.until_hour)}"
        return f"in {hours} {noun}, {span}"


def past_changes(before: RuleBook, after: RuleBook, now: datetime) -> list[PastChange]:
    """What hours that have begun by `now` would cost otherwise.

    A price for hours that had none is one with `NO_PRICE` before: what was used in them was not
    billed yet.
    """
    now_hour = hour_of(now)
    found = [*_prices(before, after, now_hour), *_ladders(before, after, now_hour)]
    if before.tenure_min_nano != after.tenure_min_nano:
        was, becomes = (f"{format_usd(b.tenure_min_nano)} USD" for b in (before, after))
        first = min((p.from_hour for p in before.ladders), default=now_hour)
        found.append(PastChange(TENURE_MIN, first, now_hour + 1, was, becomes))
    return found


def past_writer_changes(before: RuleBook, after: RuleBook, now: datetime) -> list[PastChange]:
    """What writers could have done otherwise in hours that have begun by `now`, and other rates.

    A rule for hours in which nothing was stated changes nothing that anybody relied on.
    """
    end = hour_of(now) + 1
    old, new = _versions(before), _versions(after)
    found: list[PastChange] = []
    for rule in sorted({*old, *new}):
        versions = [*old[rule], *new[rule]]
        edges = {_hour(us) for each in versions for us in each[:2] if us is not None}
        hours = sorted(hour for hour in edges if hour < end)
        changes = []
        for hour, until in pairwise([*hours, end]):
            was, becomes = _stated_at(old[rule], hour), _stated_at(new[rule], hour)
            if becomes != was != _NOT_STATED:
                changes.append(PastChange(rule, hour, until, was, becomes))
        found += _joined(changes)
    return found


def account_faults(before: RuleBook, after: RuleBook) -> list[str]:
    """Accounts at providers that the other rule book states otherwise or not at all.

    What is committed under a name is that account's for good: another account is another name.
    """
    return [
        f"provider {account.name}: is {account_text(account)} for good; another account needs"
        " another name"
        for account in before.writers.accounts
        if after.writers.providers.get(account.name) != account
    ]


def _versions(book: RuleBook) -> defaultdict[str, list[Version]]:
    found: defaultdict[str, list[Version]] = defaultdict(list)
    for rule, version in writer_versions(book):
        found[rule].append(version)
    return found


def _hour(at_us: int) -> int:
    return at_us // HOUR_US


def _stated_at(versions: Sequence[Version], hour: int) -> str:
    begun = [version for version in versions if _hour(version.from_us) <= hour]
    last = max(begun, key=attrgetter("from_us"), default=None)
    if last is None or (last.until_us is not None and _hour(last.until_us) <= hour):
        return _NOT_STATED
    return last.text


class _Prices:
    """The prices of some resources."""

    def __init__(self, book: RuleBook, resources: set[str]) -> None:
        own, imported = (
            [price for price in prices if price.resource in resources]
            for prices in (book.prices, book.imported)
        )
        self._book = PriceBook(own, imported)
        self.all = (*own, *imported)

    def at(self, resource: str, category: AppliesTo, hour: int, user: str) -> Price | None:
        """The price in force for an account; for those without a price of their own, no name."""
        price = self._book.price_at(resource, category, hour, user)
        return None if isinstance(price, NoPrice) else price


def _prices(before: RuleBook, after: RuleBook, now_hour: int) -> Iterator[PastChange]:
    differing = (set(before.prices) ^ set(after.prices)) | (
        set(before.imported) ^ set(after.imported)
    )
    resources = {price.resource for price in differing}
    old, new = _Prices(before, resources), _Prices(after, resources)
    starts: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    users: defaultdict[str, set[str]] = defaultdict(lambda: {""})
    for price in (*old.all, *new.all):
        users[price.resource].add(price.user or "")
    for price in (*old.all, *new.all):
        for hour in (price.from_hour, price.until_hour):
            if hour is not None and hour <= now_hour:
                for user in [price.user] if price.user else users[price.resource]:
                    starts[price.resource, user].add(hour)
    for (resource, user), hours in sorted(starts.items()):
        found: defaultdict[PastChange, list[AppliesTo]] = defaultdict(list)
        for category in APPLIES_TO:
            stretches = [
                (hour, *_own_of(user, *(b.at(resource, category, hour, user) for b in (old, new))))
                for hour in sorted(hours)
            ]
            for change in _of_category(resource, stretches, now_hour + 1):
                found[change].append(category)
        for change, categories in found.items():
            some = "" if len(categories) == len(APPLIES_TO) else f" ({', '.join(categories)})"
            whose = f" for {user}" if user else ""
            yield change._replace(rule=resource + some + whose)


def _own_of(user: str, old: Price | None, new: Price | None) -> tuple[Price | None, Price | None]:
    """Both prices, if one of them is the account's own; what all accounts pay is told once."""
    is_own = not user or any(price is not None and price.user for price in (old, new))
    return (old, new) if is_own else (None, None)


def _of_category(
    resource: str, stretches: Sequence[tuple[int, Price | None, Price | None]], end: int
) -> Iterator[PastChange]:
    ends = [*(hour for hour, _, _ in stretches[1:]), end]
    changes = [
        PastChange(resource, hour, until, _price_text(old), _price_text(new))
        for (hour, old, new), until in zip(stretches, ends, strict=True)
        if _rate(old) != _rate(new)
    ]
    return _joined(changes)


def _ladders(before: RuleBook, after: RuleBook, now_hour: int) -> Iterator[PastChange]:
    """Where the tiers differ, from the first hour that has a price."""
    priced = [price.from_hour for price in (*before.prices, *before.imported)]
    first = min(priced, default=now_hour + 1)
    starts = {ladder.from_hour for ladder in (*before.ladders, *after.ladders)} | {first}
    hours = sorted(hour for hour in starts if first <= hour <= now_hour)
    changes = []
    for hour, until in pairwise([*hours, now_hour + 1]):
        old, new = _ladder_at(before, hour), _ladder_at(after, hour)
        if _tiers(old) != _tiers(new):
            changes.append(PastChange(_LADDER, hour, until, _text(old), _text(new)))
    return _joined(changes)


def _joined(changes: Sequence[PastChange]) -> Iterator[PastChange]:
    """One for each run of hours in which the same change happens."""
    last: PastChange | None = None
    for change in changes:
        if (
            last is not None
            and last._replace(from_hour=change.from_hour, until_hour=change.until_hour) == change
            and last.until_hour == change.from_hour
        ):
            last = last._replace(until_hour=change.until_hour)
            continue
        if last is not None:
            yield last
        last = change
    if last is not None:
        yield last


def _rate(price: Price | None) -> object:
    return None if price is None else price.rate


def _price_text(price: Price | None) -> str:
    return NO_PRICE if price is None else price_text(price)


def _ladder_at(book: RuleBook, hour: int) -> Ladder | None:
    begun = [ladder for ladder in book.ladders if ladder.from_hour <= hour]
    return max(begun, key=attrgetter("from_hour"), default=None)


def _tiers(ladder: Ladder | None) -> list[tuple[int, int, frozenset[AppliesTo]]]:
    tiers = () if ladder is None else ladder.tiers
    return [(tier.after_days, tier.scaled, frozenset(tier.applies_to)) for tier in tiers]


def _text(ladder: Ladder | None) -> str:
    return "no tiers" if ladder is None else ladder_text(ladder)
