"""The tables of `portal.toml`, with what each key means and may be."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, field_validator, model_validator

from aggregator.balances.topups.settling import SETTLE_H
from front.tables import ConfigTable, HintTable, https_url, listening_address
from gitmeter.roles.role import HOMES
from wire_format.money import parse_nano

_WayToPay = Annotated[str, Field(pattern=r"^(?:page|prompt) [A-Z]{3}$")]
_Requests = Annotated[int, Field(ge=1, le=1_000_000)]


class PortalListenTable(ConfigTable):
    """`[listen]`: where the interface is.

    Attributes:
        address: for the reverse proxy, which ends TLS.
        proxy: the one address whose `X-Forwarded-For` is believed; None where clients connect
            themselves. Over a unix socket the proxy is believed without it.
    """

    address: str = "127.0.0.1:8770"
    proxy: str | None = None

    @field_validator("address")
    @classmethod
    def _is_address(cls, address: str) -> str:
        return listening_address(address)

    @field_validator("proxy")
    @classmethod
    def _is_host(cls, proxy: str | None) -> str | None:
        return None if proxy is None else str(ip_address(proxy))


class TillTable(ConfigTable):
    """`[till]`: where payments begin.

    Attributes:
        url: the local address of `till serve`, with `/checkout`.
        settle_h: as in `[topup]` of the aggregator: for so many hours what was billed does not
            count in the balance below which a card is charged.
    """

    url: str
    settle_h: Annotated[int, Field(ge=0, le=48)] = SETTLE_H

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        return https_url(url)


class IssuerTable(ConfigTable):
    """`[[issuer]]`: whose JSON Web Tokens are taken, as OpenID Connect has them.

    Attributes:
        url: of the issuer, to the letter as its tokens name it (`iss`).
        audience: whom its tokens must be for (`aud`): this portal, as the issuer calls it.
        name: what people call it, who may then sign in to the pages with it; None for tokens alone.
        secret_file: of what this portal shows it, where the issuer has given it a secret.
    """

    url: str
    audience: Annotated[str, Field(min_length=1, max_length=255)]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .-]{0,39}$")] | None = None
    secret_file: Path | None = None

    @property
    def slug(self) -> str:
        """Its name as addresses have it; empty without one."""
        return (self.name or "").lower().replace(" ", "-")

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        return https_url(url)


class PagesTable(ConfigTable):
    """`[pages]`: pages for people, beside the interface for programs.

    Attributes:
        on: whether there are any.
        url: the address at which people see them: whence their forms come, and where they return
            to after paying; None for whatever address a browser asks, and then no payment begins.
        brand: the name at the top.
        support: an address of e-mail for questions.
        pay_by: the ways of paying that are offered, each a method and a currency.
    """

    on: bool = True
    url: str | None = None
    brand: Annotated[str, Field(min_length=1, max_length=60)] = "Usage and credit"
    support: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)] | None = None
    pay_by: Annotated[tuple[_WayToPay, ...], Field(min_length=1, max_length=8)] = ("page USD",)

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, url: str | None) -> str | None:
        return None if url is None else _origin_in_small(https_url(url)).rstrip("/")


def _origin_in_small(url: str) -> str:
    """An address as browsers state it: the host in small letters, without the port of its kind."""
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}[parts.scheme]
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


class SignUpTable(ConfigTable):
    """`[sign_up]`: accounts that people open for themselves at the pages.

    Attributes:
        on: whether they may.
        a_day: most of them in a day.
        per_network_a_day: most of them from one network (a /24, or a /48 of IPv6).
        credit: the template of `writers.toml` that each is given once; None for nothing.
        credit_after_usd: how much of its payments must not have been given back before; 0 for
            credit at once.
    """

    on: bool = False
    a_day: _Requests = 50
    per_network_a_day: _Requests = 3
    credit: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    credit_after_usd: Annotated[str, Field(pattern=r"^[0-9]{1,6}(\.[0-9]{1,2})?$")] = "5.00"

    @property
    def credit_after_nano(self) -> int:
        """The same in nano-dollars."""
        return parse_nano(self.credit_after_usd)


class PortalConfig(ConfigTable):
    """Everything that `portal.toml` says.

    Attributes:
        home: the folder of the desk whose lines this portal writes.
        state: the state directory of the aggregator on this machine, which is only read.
        stale_max_s: how old the ledger may be for staff, and for anything to be written.
        rpm: requests in a minute of a key that states no number.
        guesses_per_minute: requests without a right key from one network.
        top_up_url: where customers add credit; told to programs whose balance is used up.
        listen: where it listens.
        hint: whom to tell of a push; None for nobody.
        till: where payments begin; None where this portal offers none.
        issuer: whose tokens are taken.
        pages: pages for people.
        sign_up: accounts that people open for themselves.
    """

    home: Path = Path(HOMES["desk"])
    state: Path = Path("/var/lib/gitmeter")
    stale_max_s: Annotated[int, Field(ge=60, le=7 * 86_400)] = 900
    rpm: _Requests = 120
    guesses_per_minute: _Requests = 30
    top_up_url: str | None = None
    listen: PortalListenTable = PortalListenTable()
    hint: HintTable | None = None
    till: TillTable | None = None
    issuer: tuple[IssuerTable, ...] = ()
    pages: PagesTable = PagesTable()
    sign_up: SignUpTable = SignUpTable()

    @field_validator("issuer")
    @classmethod
    def _are_different(cls, issuers: tuple[IssuerTable, ...]) -> tuple[IssuerTable, ...]:
        slugs = [each.slug for each in issuers if each.slug]
        if len({each.url for each in issuers}) < len(issuers) or len({*slugs}) < len(slugs):
            raise ValueError("an issuer is named twice")
        return issuers

    @model_validator(mode="after")
    def _is_led_back(self) -> Self:
        if self.pages.url is None and any(each.name for each in self.issuer):
            raise ValueError("pages.url: must be stated where people sign in with an issuer")
        return self

    @field_validator("top_up_url")
    @classmethod
    def _is_top_up_address(cls, url: str | None) -> str | None:
        return None if url is None else https_url(url)
