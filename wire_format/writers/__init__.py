"""Who may write lines of money and how much, and what other currencies are worth.

The content of `rules/writers.toml` and `rules/fx.toml`, for programs that know neither pydantic nor
TOML. Times are in microseconds since 1970, amounts in nano-dollars. `from` is included, `until` is
not.

Owns: this module.
Does not own: the files (`wire_format.rule_files`), and which line counts by them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, NamedTuple, Protocol, TypeVar

from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.instants import DAY_US
from wire_format.money import PRICE_SCALE

WRITERS_PATH: Final = "rules/writers.toml"

RATES_BACK_US: Final = 35 * DAY_US
"""For how long before a credit the rates count that it may be reckoned with."""

_CREDIT_PERCENT: Final = 102
"""Of what the best rate gives: rates of providers differ a little from those that are written."""


class ProviderAccount(NamedTuple):
    """One account at a provider.

    Attributes:
        name: as lines state it in `provider`.
        kind: which provider it is at, such as `stripe`.
        account: its id there.
        mode: whether real money moves.
    """

    name: str
    kind: str
    account: str
    mode: Literal["live", "test"]


class ConsentLimits(NamedTuple):
    """Most that a consent of a till may state, in nano-dollars.

    Attributes:
        amount_max_nano: for one charge.
        month_max_nano: for all charges of a calendar month.
    """

    amount_max_nano: int
    month_max_nano: int


class TopupLimits(NamedTuple):
    """The fuse of automatic payments: most within any hour, over all accounts.

    Attributes:
        hour_max: attempts.
        hour_max_nano: their amounts together, in nano-dollars.
    """

    hour_max: int
    hour_max_nano: int


class TillRules(NamedTuple):
    """What a till may write from a time on.

    Attributes:
        node: the till.
        from_us, until_us: when that holds; None for no end.
        providers: the names of the accounts whose movements it writes.
        payment_max_nano: most that one payment may credit.
        unconfirmed_max_nano: most that it may credit, and apart from that take back, before someone
            else has looked.
        since_us: what moved earlier is not this till's; None for no limit.
        consents: most that its consents may state; None where that is not limited, and then no
            consent of it lets anything be charged.
        topups: of a till that charges saved cards, and writes nothing but what it attempts; None of
            every other.
    """

    node: str
    from_us: int
    until_us: int | None
    providers: frozenset[str]
    payment_max_nano: int
    unconfirmed_max_nano: int
    since_us: int | None
    consents: ConsentLimits | None = None
    topups: TopupLimits | None = None


class DeskRules(NamedTuple):
    """What a desk may write from a time on.

    Attributes:
        node: the desk.
        from_us, until_us: when that holds; None for no end.
        fees_day_nano: most fees of plans in a day; None for no limit.
    """

    node: str
    from_us: int
    until_us: int | None
    fees_day_nano: int | None


class GrantTemplate(NamedTuple):
    """What a grant of a desk looks like that names this template, from a time on.

    Attributes:
        name: what its reference begins with.
        from_us: when the version begins.
        usd_nano: its amount.
        days: how long it holds; None for no end.
        scope: the resources it pays for, as globs; None for all.
        category, priority: as in the line.
        budget_nano: most that a desk may give by it.
        after_payment_nano: what an account must have paid; None for nothing.
    """

    name: str
    from_us: int
    usd_nano: int
    days: int | None
    scope: tuple[str, ...] | None
    category: Literal["promotional", "paid"]
    priority: int
    budget_nano: int
    after_payment_nano: int | None


class AdjustTemplate(NamedTuple):
    """What adjustments of a desk may be that name this template, from a time on.

    Attributes:
        name: what their reference begins with.
        from_us: when the version begins.
        role: who may use it at the desk.
        per_line_nano, per_account_month_nano, budget_nano: most of one, of one account in a month,
            and of all.
    """

    name: str
    from_us: int
    role: str
    per_line_nano: int
    per_account_month_nano: int
    budget_nano: int


class FxRate(NamedTuple):
    """What a currency is worth from a time on.

    Attributes:
        currency: its code.
        usd_scaled: 1e-15 dollars for one unit of it.
        from_us: when it begins.
    """

    currency: str
    usd_scaled: int
    from_us: int


class _Version(Protocol):
    @property
    def node(self) -> str: ...
    @property
    def from_us(self) -> int: ...
    @property
    def until_us(self) -> int | None: ...


_AnyVersion = TypeVar("_AnyVersion", bound=_Version)


@dataclass(frozen=True)
class Writers:
    """The content of writers.toml, in the order of the file."""

    accounts: tuple[ProviderAccount, ...] = ()
    tills: tuple[TillRules, ...] = ()
    desks: tuple[DeskRules, ...] = ()
    grants: tuple[GrantTemplate, ...] = ()
    adjusts: tuple[AdjustTemplate, ...] = ()

    @cached_property
    def providers(self) -> Mapping[str, ProviderAccount]:
        """The accounts at providers, by name."""
        return {account.name: account for account in self.accounts}

    def till_at(self, node: str, at_us: int) -> TillRules | None:
        """What a till may write at a time; None where nothing is stated for then."""
        return _in_force(self._tills.get(node, ()), at_us)

    def desk_at(self, node: str, at_us: int) -> DeskRules | None:
        """What a desk may write at a time; None where nothing is stated for then."""
        return _in_force(self._desks.get(node, ()), at_us)

    def has_till(self, provider: str) -> bool:
        """Whether any till writes what moves at this account, at any time."""
        return any(provider in till.providers for till in self.tills)

    @cached_property
    def _tills(self) -> Mapping[str, Sequence[TillRules]]:
        return _by_node(self.tills)

    @cached_property
    def _desks(self) -> Mapping[str, Sequence[DeskRules]]:
        return _by_node(self.desks)


def _by_node(versions: Sequence[_AnyVersion]) -> dict[str, list[_AnyVersion]]:
    found: dict[str, list[_AnyVersion]] = {}
    for version in sorted(versions, key=lambda version: version.from_us):
        found.setdefault(version.node, []).append(version)
    return found


def _in_force(versions: Sequence[_AnyVersion], at_us: int) -> _AnyVersion | None:
    """The version that began last, unless it has ended; earlier ones do not come back."""
    begun = [version for version in versions if version.from_us <= at_us]
    if not begun:
        return None
    until_us = begun[-1].until_us
    return begun[-1] if until_us is None or at_us < until_us else None


@dataclass(frozen=True)
class Fx:
    """The content of fx.toml, in the order of the file."""

    rates: tuple[FxRate, ...] = ()

    def best_rate(self, currency: str, at_us: int) -> FxRate | None:
        """The highest rate in force at any time in the 35 days before; None without one."""
        begun = [rate for rate in self._rates.get(currency, ()) if rate.from_us <= at_us]
        first_us = at_us - RATES_BACK_US
        at_first = [rate for rate in begun if rate.from_us <= first_us][-1:]
        later = [rate for rate in begun if rate.from_us > first_us]
        return max((*at_first, *later), key=lambda rate: rate.usd_scaled, default=None)

    def credit_max_nano(self, amount_nano: int, currency: str, at_us: int) -> int | None:
        """Most that an amount may credit in nano-dollars; None where no rate is stated.

        Args:
            amount_nano: in billionths of one unit of the currency.
            currency: its code; dollars credit what they are.
            at_us: the time of the commit that states it.
        """
        if currency == CURRENCY_DEFAULT:
            return amount_nano
        rate = self.best_rate(currency, at_us)
        if rate is None:
            return None
        return amount_nano * rate.usd_scaled * _CREDIT_PERCENT // (PRICE_SCALE * 100)

    @cached_property
    def _rates(self) -> Mapping[str, Sequence[FxRate]]:
        found: dict[str, list[FxRate]] = {}
        for rate in sorted(self.rates, key=lambda rate: rate.from_us):
            found.setdefault(rate.currency, []).append(rate)
        return found


NO_WRITERS: Final = Writers()
"""Without writers.toml."""

NO_RATES: Final = Fx()
"""Without fx.toml."""
