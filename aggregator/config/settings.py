"""Tables of the configuration beside the repos: the forge, the listener, notifications."""

import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from aggregator.config.naming import is_pattern
from aggregator.config.repos import RemoteConfig, RepoConfig, Section
from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote
from wire_format.money import NANO

CONFIG_PATH_DEFAULT: Final = Path("/etc/gitmeter/aggregator.toml")
NODES_DIR_NAME: Final = "nodes.d"

ORG_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}"
THRESHOLD_PATTERN: Final = r"[0-9]{1,9}(\.[0-9]{1,9})?"
FORMS: Final = {
    ORG_PATTERN: "the name of an organisation: letters, digits and . _ -",
    THRESHOLD_PATTERN: 'a decimal in quotes such as "5.00"',
}
_ADDRESS: Final = re.compile(
    r"unix:/.+|(\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})"
)
_PORT_MAX: Final = 65_535


def _http_url(url: str) -> str:
    """Only https leaves the machine; http is for this machine itself."""
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
    """`[forge]`: the forge that has the repos of the nodes."""

    kind: Literal["forgejo"] = Field(description="Forgejo, or Gitea that speaks the same.")
    url: str = Field(description="Where it is: https://forge.example.")
    org: Annotated[str, StringConstraints(pattern=f"^(?:{ORG_PATTERN})$")] = Field(
        description="The organisation that owns the repos."
    )
    token_file: Path = Field(description="File with an access token; reads repos and the API.")
    pattern: str = Field(
        default="billing-{node}", description="How the repo of a node is called on the forge."
    )
    webhook_url: str | None = Field(
        default=None, description="Where the forge reaches [listen]: https://meter.example/webhook."
    )
    known_hosts_file: Path | None = Field(
        default=None, description="The forge's ssh keys, which `node add` hands on to nodes."
    )
    require_signed_commits: bool = Field(
        default=False,
        description="Let the forge too refuse commits that no key of its own users has signed. Keys"
        " of nodes are deploy keys, which it does not count, so their pushes would be refused.",
    )
    probe_every_s: int = Field(
        default=3600,
        ge=60,
        le=86_400,
        description="A repo is asked itself at least this often, whatever the listing says.",
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
    """`[listen]`: the daemon's own small web server."""

    address: str = Field(
        default="127.0.0.1:8750", description="host:port, [::1]:port or unix:/path."
    )
    webhook_secret_file: Path | None = Field(
        default=None, description="File with the secret that the forge signs its webhooks with."
    )

    @field_validator("address")
    @classmethod
    def _is_address(cls, address: str) -> str:
        match = _ADDRESS.fullmatch(address)
        if match is None or int(match["port"] or 0) > _PORT_MAX:
            raise ValueError("must be like 127.0.0.1:8750, [::1]:8750 or unix:/run/x.sock")
        return address


class NotifyConfig(Section):
    """`[notify]`: one webhook that is told what a person should know."""

    url: str = Field(description="Where events are posted to: https://.")
    secret_file: Path | None = Field(
        default=None, description="File with a secret; each event is signed with it."
    )
    token_file: Path | None = Field(default=None, description="File with a bearer token.")
    balance_below_usd: Annotated[str, StringConstraints(pattern=f"^(?:{THRESHOLD_PATTERN})$")] = (
        Field(default="5.00", description="A balance below it is told.")
    )

    _url = field_validator("url")(_http_url)

    @property
    def balance_below_nano(self) -> int:
        """The threshold in nano-dollars."""
        return int(Decimal(self.balance_below_usd) * NANO)


class Config(Section):
    """Everything the aggregator can be told."""

    state: Path = Field(
        default=Path("/var/lib/gitmeter"),
        description="Database and mirrors; $STATE_DIRECTORY under systemd.",
    )
    allowed_signers_file: Path | None = Field(
        default=None,
        description="Keys that may sign commits, by node, in OpenSSH's allowed_signers format.",
    )
    repo: tuple[RepoConfig, ...] = Field(
        default=(), description="The repos to read; those of registered nodes are added to them."
    )
    nodes_dir: Path = Field(
        default=CONFIG_PATH_DEFAULT.with_name(NODES_DIR_NAME),
        description="Registrations of nodes; nodes.d beside the configuration.",
    )
    registration_faults: tuple[tuple[str, str], ...] = Field(
        default=(), exclude=True, description="Set when registrations are read: node and fault."
    )
    forge: ForgeConfig | None = Field(default=None, description="Where nodes' repos are found.")
    listen: ListenConfig | None = Field(
        default=None, description="The daemon's listener: webhooks, /metrics, /healthz."
    )
    notify: NotifyConfig | None = Field(default=None, description="Who is told of incidents.")
    copy_remote: RemoteConfig | None = Field(
        default=None, alias="copy", description="A repo that keeps a copy of all that was billed."
    )
    pull_every_s: int = Field(
        default=300, ge=5, le=86_400, description="Seconds between two pulls of the daemon."
    )
    pull_jitter_s: int = Field(
        default=60, ge=0, le=86_400, description="Up to this much is added, at random."
    )
    fetch_workers: int = Field(default=8, ge=1, le=64, description="Repos fetched at a time.")
    fetch_timeout_s: int = Field(default=600, ge=1, description="Limit for fetching one repo.")
    turn_s: int = Field(
        default=30,
        ge=1,
        description="How long commits of one repo are applied before others have their turn.",
    )
    connect_timeout_s: int = Field(default=15, ge=1, description="Limit for one answer.")
    fetch_memory_bytes_max: int = Field(
        default=1 << 30, ge=1 << 26, description="Memory of the git program that fetches."
    )
    fetch_file_bytes_max: int = Field(
        default=4 << 30, ge=1 << 20, description="Largest file that fetching may write."
    )
    silent_after_s: int = Field(
        default=86_400,
        ge=0,
        description="A node that pushed nothing for so long is an incident; 0 for never.",
    )
    skew_s: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="How far a record may lie ahead of its commit, a commit ahead of us.",
    )
    charge_cost_max_usd: int = Field(
        default=1_000_000, ge=1, le=1_000_000_000, description="A charge above it is an overflow."
    )

    @field_validator("repo")
    @classmethod
    def _repos_differ(cls, repos: tuple[RepoConfig, ...]) -> tuple[RepoConfig, ...]:
        counts = Counter(repo.name for repo in repos)
        if twins := sorted(name for name, count in counts.items() if count > 1):
            raise ValueError(f"two have the name {', '.join(twins)}; give each its own `name`")
        if sum(repo.role == "books" for repo in repos) > 1:
            raise ValueError("only one may have the role books")
        books = {repo.node for repo in repos if repo.role == "books"}
        if both := books & {repo.node for repo in repos if repo.role == "usage"}:
            raise ValueError(f"{', '.join(both)} cannot write usage and the books")
        return repos

    @model_validator(mode="after")
    def _somebody_may_sign(self) -> Self:
        signed = [r.name for r in self.repo if not (r.allow_unsigned or r.registered_at)]
        if signed and self.allowed_signers_file is None:
            raise ValueError(
                f"allowed_signers_file: is missing; commits of {', '.join(signed)} must be signed"
                " by a key in it (or say allow_unsigned = true for a repo)"
            )
        return self

    @property
    def database_path(self) -> Path:
        """The ledger's file."""
        return self.state / "ledger.db"

    @property
    def mirrors_path(self) -> Path:
        """The folder of all mirrors."""
        return self.state / "mirrors"

    def mirror_path(self, name: str) -> Path:
        """The mirror of the repo with this name."""
        return self.mirrors_path / f"{name}.git"
