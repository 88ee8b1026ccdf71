"""The tables of `till.toml`, with what each key means and may be."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, StringConstraints, field_validator
from pydantic import model_validator as checked

from front.tables import (
    ConfigTable,
    HintTable,
    https_url,
    is_local,
    listening_address,
    local_address,
)
from gitmeter.roles.role import HOMES
from providers.interface import Mode
from till.config.charge import ChargeTable
from till.config.usd import positive
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.fields import CURRENCY_PATTERN, PROVIDER_PATTERN
from wire_format.money import parse_nano

TEST_SUFFIX: Final = "-test"
TAGGED: Final = frozenset({"stripe"})
"""Kinds of providers that keep what we write on a payment."""
KEEPS_CARDS: Final = frozenset({"stripe"})
"""Kinds of providers that keep cards of customers."""

Name = Annotated[str, StringConstraints(pattern=f"^(?:{PROVIDER_PATTERN})$")]
CurrencyCode = Annotated[str, StringConstraints(pattern=f"^(?:{CURRENCY_PATTERN})$")]


class ListenTable(ConfigTable):
    """`[listen]`: where the hooks of providers arrive, and where this machine asks for checkouts.

    Attributes:
        public: takes `/hooks/<account>` and nothing else.
        local: takes `/checkout` and what is asked about cards; on this machine alone.
    """

    public: str = "127.0.0.1:8760"
    local: str = "127.0.0.1:8761"

    @field_validator("public", "local")
    @classmethod
    def _is_address(cls, address: str) -> str:
        return listening_address(address)

    @field_validator("local")
    @classmethod
    def _is_of_this_machine(cls, address: str) -> str:
        return local_address(address)

    @checked(mode="after")
    def _are_two(self) -> Self:
        if self.public == self.local:
            raise ValueError("public and local must be two addresses: strangers reach one of them")
        return self


class AccountTable(ConfigTable):
    """`[[account]]`: one account at a payment provider.

    Attributes:
        name: the `provider` of its lines, which never changes.
        kind: which provider.
        account: the provider's own id of it.
        key_file: the key of hooks, checkouts and sweeps.
        refund_key_file: the key of `till refund`.
        secret_files: what signs its events; two while one is replaced. None of a till that charges.
        tag_key_file: what signs the tags of payments, where the provider keeps tags.
        base_url: another address of its API; in test mode, or on this machine.
        currencies: what it takes; each but USD needs a rate.
    """

    name: Name
    kind: Literal["stripe", "clickpesa"]
    account: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
    key_file: Path
    refund_key_file: Path | None = None
    secret_files: Annotated[tuple[Path, ...], Field(max_length=2)] = ()
    tag_key_file: Path | None = None
    base_url: str | None = None
    currencies: Annotated[tuple[CurrencyCode, ...], Field(min_length=1)] = (CURRENCY_DEFAULT,)

    @checked(mode="after")
    def _has_its_tag_key(self) -> Self:
        if self.kind in TAGGED and self.tag_key_file is None:
            raise ValueError("tag_key_file is missing: it signs whose a payment is")
        if self.kind not in TAGGED and self.tag_key_file is not None:
            raise ValueError("tag_key_file is for providers that keep tags on payments")
        return self


class CardsTable(ConfigTable):
    """`[cards]`: what customers may agree to when a card is saved at a checkout.

    Attributes:
        consent_max_usd: most of one automatic payment.
        consent_month_max_usd: most of all of them in a calendar month.
    """

    consent_max_usd: str
    consent_month_max_usd: str

    _usd = field_validator("consent_max_usd", "consent_month_max_usd")(positive)


class RateTable(ConfigTable):
    """`[[rate]]`: what one unit of a currency is worth to this till.

    Attributes:
        currency: which.
        usd: dollars for one unit.
        at: when that was so, in UTC.
    """

    currency: CurrencyCode
    usd: str
    at: datetime

    _usd = field_validator("usd")(positive)

    @field_validator("at", mode="before")
    @classmethod
    def _has_offset(cls, at: object) -> object:
        if isinstance(at, datetime):
            if at.tzinfo is None:
                raise ValueError("must be a day, or an instant with its offset")
            return at.astimezone(UTC)
        if isinstance(at, date):
            return datetime(at.year, at.month, at.day, tzinfo=UTC)
        return at

    @field_validator("currency")
    @classmethod
    def _is_not_usd(cls, currency: str) -> str:
        if currency == CURRENCY_DEFAULT:
            raise ValueError("needs no rate")
        return currency


class TillConfig(ConfigTable):
    """Everything that `till.toml` says.

    Attributes:
        home: the folder of the till.
        mode: whether money is real.
        payment_min_usd: the smallest payment.
        payment_max_usd: the largest payment.
        first_week_usd: what a customer may pay in the 7 days from his first payment here.
        rates_max_age_days: how old a rate may be in a new checkout.
        return_urls: where pages of checkout may lead back to: beginnings of addresses.
        listen: the addresses of `till serve`.
        hint: whom to tell of a push; None for nobody.
        cards: what a card may be saved for; None where none is saved.
        charge: of a till that charges saved cards; None of one that takes payments in.
        account: the accounts.
        rate: the rates.
    """

    home: Path = Path(HOMES["till"])
    mode: Mode
    payment_min_usd: str = "5.00"
    payment_max_usd: str = "500.00"
    first_week_usd: str = "100.00"
    rates_max_age_days: Annotated[int, Field(ge=1, le=31)] = 7
    return_urls: tuple[str, ...] = ()
    listen: ListenTable = ListenTable()
    hint: HintTable | None = None
    cards: CardsTable | None = None
    charge: ChargeTable | None = None
    account: Annotated[tuple[AccountTable, ...], Field(min_length=1)]
    rate: tuple[RateTable, ...] = ()

    _usd = field_validator("payment_min_usd", "payment_max_usd", "first_week_usd")(positive)

    @field_validator("return_urls")
    @classmethod
    def _end_with_slash(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not https_url(url).endswith("/"):
                raise ValueError(f"{url} must end with /, or it would allow other hosts as well")
        return urls

    @checked(mode="after")
    def _agrees(self) -> Self:
        if faults := list(_disagreements(self)):
            raise ValueError("; ".join(faults))
        return self

    @property
    def rates_max_age(self) -> timedelta:
        """How old a rate may be in a new checkout."""
        return timedelta(days=self.rates_max_age_days)


def _disagreements(config: TillConfig) -> list[str]:
    """What is fine by itself and does not go together."""
    faults = []
    if parse_nano(config.payment_min_usd) > parse_nano(config.payment_max_usd):
        faults.append("payment_min_usd is above payment_max_usd")
    faults += _card_faults(config)
    names = [account.name for account in config.account]
    faults += [f"account {name} is stated twice" for name in sorted(_repeated(names))]
    rated = [rate.currency for rate in config.rate]
    faults += [f"the rate of {code} is stated twice" for code in sorted(_repeated(rated))]
    for account in config.account:
        if config.charge is None and not account.secret_files:
            faults.append(f"account {account.name}: secret_files is missing: it signs events")
        if config.charge is not None and account.kind not in TAGGED:
            faults.append(f"account {account.name}: {account.kind} keeps no cards to [charge]")
        is_test = config.mode == "test"
        if account.name.endswith(TEST_SUFFIX) is not is_test:
            ends = "must end" if is_test else "must not end"
            faults.append(f"account {account.name}: in {config.mode} mode a name {ends} with -test")
        if account.base_url is not None:
            is_here = is_local(https_url(account.base_url))
            if not is_test and not is_here:
                faults.append(f"account {account.name}: base_url is for test mode")
        missing = sorted(set(account.currencies) - {CURRENCY_DEFAULT, *rated})
        faults += [f"account {account.name}: there is no [[rate]] of {code}" for code in missing]
    return faults


def _card_faults(config: TillConfig) -> list[str]:
    """Why no card could be saved as `[cards]` says."""
    if config.cards is None:
        return []
    faults = []
    most_nano = parse_nano(config.cards.consent_max_usd)
    if most_nano > parse_nano(config.cards.consent_month_max_usd):
        faults.append("cards: consent_max_usd is above consent_month_max_usd")
    if most_nano > parse_nano(config.payment_max_usd):
        faults.append("cards: consent_max_usd is above payment_max_usd")
    if not any(account.kind in KEEPS_CARDS for account in config.account):
        faults.append("cards: no account is at a provider that keeps cards")
    return faults


def _repeated(names: list[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}
