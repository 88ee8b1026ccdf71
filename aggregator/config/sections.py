"""The other tables of the configuration: the forge, the listener, notices, automatic payments."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator

from aggregator.config.naming import is_pattern
from aggregator.config.repos import Section
from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote
from gitmeter.http_edge.address_text import is_address
from wire_format.money import NANO

ORG_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
THRESHOLD_PATTERN: Final = r"[0-9]{1,9}(\.[0-9]{1,9})?"
FORMS: Final = {
    ORG_PATTERN: "the name of an organisation: letters, digits and . _ -",
    THRESHOLD_PATTERN: 'a decimal in quotes such as "5.00"',
}


def _http_url(url: str) -> str:
    """Check an address of the forge or a receiver: https, or http on this machine."""
    try:
        remote = Remote(url.rstrip("/") + "/x")  # a forge's own address has no path
    except RemoteConfigError as error:
        raise ValueError(str(error)) from None
    if remote.transport not in {"http", "https"}:
        raise ValueError("must begin with https://")
    if urlsplit(url).username or urlsplit(url).query or urlsplit(url).fragment:
        raise ValueError("must be an address without user, ? and #; secrets go into files")
    return url


class ForgeConfig(Section):
    """`[forge]`: the forge with the repos of the nodes."""

    kind: Literal["forgejo"] = Field(
        description="Forgejo, or Gitea, which has the same API.", examples=["forgejo"]
    )
    url: str = Field(description="Its address.", examples=["https://forge.example"])
    org: Annotated[str, StringConstraints(pattern=f"^(?:{ORG_PATTERN})$")] = Field(
        description="The organisation that owns the repos.", examples=["hero_ops"]
    )
    token_file: Path = Field(
        description="File with an access token, for the API and for reading repos.",
        examples=["/etc/gitmeter/token"],
    )
    pattern: str = Field(
        default="billing-{node}",
        description="The name of a node's repo on the forge.",
        examples=["billing-{node}"],
    )
    webhook_url: str | None = Field(
        default=None,
        description="The address at which the forge reaches [listen].",
        examples=["https://meter.example/webhook"],
    )
    known_hosts_file: Path | None = Field(
        default=None,
        description="The forge's ssh host keys, which `node add` passes on to nodes.",
        examples=["/etc/gitmeter/known_hosts"],
    )
    require_signed_commits: bool = Field(
        default=False,
        description="Make the forge refuse commits that no key of its own users has signed. Nodes"
        " sign with deploy keys, which it does not count, so it would refuse their pushes.",
    )
    probe_every_s: int = Field(
        default=3600,
        ge=60,
        le=86_400,
        description="Each repo is probed at least this often, whatever the forge's list says.",
    )

    _urls = field_validator("url", "webhook_url")(lambda url: url and _http_url(url))

    @field_validator("url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("pattern")
    @classmethod
    def _has_one_place(cls, pattern: str) -> str:
        if not is_pattern(pattern):
            raise ValueError("must be the name of a repo with {node} once, such as billing-{node}")
        return pattern


class ListenConfig(Section):
    """`[listen]`: the daemon's web server."""

    address: str = Field(
        default="127.0.0.1:8750",
        description="host:port, [::1]:port or unix:/path.",
        examples=["127.0.0.1:8750"],
    )
    webhook_secret_file: Path | None = Field(
        default=None,
        description="File with the secret that the forge signs its webhooks with.",
        examples=["/etc/gitmeter/webhook_secret"],
    )

    @field_validator("address")
    @classmethod
    def _is_address(cls, address: str) -> str:
        if not is_address(address):
            raise ValueError("must be like 127.0.0.1:8750, [::1]:8750 or unix:/run/x.sock")
        return address


class NotifyConfig(Section):
    """`[notify]`: the webhook that receives notices of incidents and low balances."""

    url: str = Field(
        description="The address to which notices are posted.",
        examples=["https://hooks.example/gitmeter"],
    )
    secret_file: Path | None = Field(
        default=None,
        description="File with a secret; each notice is signed with it.",
        examples=["/etc/gitmeter/notify_secret"],
    )
    token_file: Path | None = Field(default=None, description="File with a bearer token.")
    balance_below_usd: Annotated[str, StringConstraints(pattern=f"^(?:{THRESHOLD_PATTERN})$")] = (
        Field(
            default="5.00",
            description="A balance that falls below this causes a notice.",
            examples=["5.00"],
        )
    )

    _url = field_validator("url")(_http_url)

    @property
    def balance_below_nano(self) -> int:
        """The threshold in nano-dollars."""
        return int(Decimal(self.balance_below_usd) * NANO)


class TopupConfig(Section):
    """`[topup]`: the till that charges saved cards, which is told whose balance is too low."""

    url: str = Field(
        description="The address of `till charge`.", examples=["http://127.0.0.1:8762/due"]
    )
    secret_file: Path = Field(
        description="File with the secret that each post is signed with; the till has the same.",
        examples=["/etc/gitmeter/topup_secret"],
    )
    settle_h: int = Field(
        default=2,
        ge=0,
        le=48,
        description="For so many hours fees of plans, and what nodes that are new to an account"
        " billed to it, charge no card.",
        examples=[2],
    )

    _url = field_validator("url")(_http_url)
