"""The aggregator's configuration: one TOML file into a frozen model.

A command-line option goes before an environment variable, that before the file, the file before the
default. Every fault is listed with its key.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import tomlkit
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from git_remote.failures import RemoteConfigError
from git_remote.remote import Remote
from support.errors import GitmeterError
from wire_format import fields
from wire_format.wording import FORMS, Place, sentences

CONFIG_PATH_DEFAULT: Final = Path("/etc/gitmeter/aggregator.toml")
STATE_ENVIRONMENT: Final = "AGGREGATOR_STATE"
_MEND_HINT: Final = "mend these and run `aggregator config check`"
_NAME_PATTERN: Final = r"[a-z0-9][a-z0-9.-]{0,79}"
_FORMS: Final = FORMS | {_NAME_PATTERN: "1 to 80 of a-z, 0-9, . and -, beginning with a-z or 0-9"}


class ConfigError(GitmeterError):
    """The configuration cannot be used.

    Attributes:
        faults: one sentence for each thing that is wrong, with its key.
    """

    def __init__(self, path: Path, faults: list[str], *, hint: str = _MEND_HINT) -> None:
        super().__init__(
            f"the configuration {path} cannot be used:\n" + "\n".join(f"  {f}" for f in faults),
            hint=hint,
        )
        self.faults = faults


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KnownRepo(NamedTuple):
    """What a repo is, whether it is configured still or only its mirror is left.

    Attributes:
        name, node, role: as in the configuration.
        branch: the branch that is billed.
    """

    name: str
    node: str
    role: str
    branch: str


def _try_remote(url: str, **files: Path | None) -> None:
    """Raise what pydantic can list beside all other faults, each with its own key."""
    try:
        Remote(url, **files)
    except RemoteConfigError as error:
        raise ValueError(str(error)) from None


class RepoConfig(_Section):
    """One repo to read."""

    node: Annotated[str, StringConstraints(pattern=f"^(?:{fields.NODE_PATTERN})$")] = Field(
        description="The node whose records it carries."
    )
    url: str = Field(description="https://, ssh:// or file://.")
    role: Literal["usage", "books"] = Field(
        default="usage", description="`books` for the operator's payments and rule book."
    )
    name: Annotated[str, StringConstraints(pattern=f"^(?:{_NAME_PATTERN})$")] = Field(
        default="",
        description="Names the repo here; the node's name unless the node has several repos.",
        validate_default=False,
    )
    branch: str = Field(default="main", min_length=1, description="The branch that is billed.")
    token_file: Path | None = Field(default=None, description="File with an access token.")
    ssh_key_file: Path | None = Field(default=None, description="Private key for ssh.")
    known_hosts_file: Path | None = Field(default=None, description="Host keys for ssh.")

    @model_validator(mode="before")
    @classmethod
    def _name_from_node(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the file says
        # A bad node is one fault, not a second one about a name that nobody wrote.
        if isinstance(values, dict) and "name" not in values:
            node = values.get("node")
            if isinstance(node, str) and fields.is_node(node):
                return {**values, "name": node}
        return values

    @field_validator("url")
    @classmethod
    def _url_is_allowed(cls, url: str) -> str:
        _try_remote(url)
        return url

    @field_validator("token_file", "ssh_key_file", "known_hosts_file")
    @classmethod
    def _file_goes_with_url(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if "url" in info.data and info.field_name is not None:
            _try_remote(info.data["url"], **{info.field_name: path})
        return path

    @property
    def identity(self) -> KnownRepo:
        """Its name, node, role and branch."""
        return KnownRepo(self.name, self.node, self.role, self.branch)

    @property
    def remote(self) -> Remote:
        """Where and with what to fetch it."""
        return Remote(self.url, self.token_file, self.ssh_key_file, self.known_hosts_file)


class Config(_Section):
    """Everything the aggregator can be told."""

    state: Path = Field(
        default=Path("/var/lib/gitmeter"),
        description="Database and mirrors; $STATE_DIRECTORY under systemd.",
    )
    repo: tuple[RepoConfig, ...] = Field(default=(), description="The repos to read.")
    pull_every_s: int = Field(
        default=300, ge=5, le=86_400, description="Seconds between two pulls of the daemon."
    )
    pull_jitter_s: int = Field(
        default=60, ge=0, le=86_400, description="Up to this much is added, at random."
    )
    fetch_workers: int = Field(default=8, ge=1, le=64, description="Repos fetched at a time.")
    fetch_timeout_s: int = Field(default=600, ge=1, description="Limit for fetching one repo.")
    connect_timeout_s: int = Field(default=15, ge=1, description="Limit for one answer.")
    fetch_memory_bytes_max: int = Field(
        default=1 << 30, ge=1 << 26, description="Memory of the git program that fetches."
    )
    fetch_file_bytes_max: int = Field(
        default=4 << 30, ge=1 << 20, description="Largest file that fetching may write."
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
        names = [repo.name for repo in repos]
        if twins := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two have the name {', '.join(twins)}; give each its own `name`")
        if sum(repo.role == "books" for repo in repos) > 1:
            raise ValueError("only one may have the role books")
        books = {repo.node for repo in repos if repo.role == "books"}
        if both := books & {repo.node for repo in repos if repo.role == "usage"}:
            raise ValueError(f"{', '.join(both)} cannot write usage and the books")
        return repos

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


def load_config(
    path: Path, *, state: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Config:
    """Read the configuration.

    Args:
        path: the TOML file.
        state: from the command line; goes before everything else.
        environment: looked at for `AGGREGATOR_STATE`, then for systemd's `STATE_DIRECTORY`.

    Raises:
        ConfigError: with every fault and its key.
    """
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(
            path,
            [f"it cannot be read: {error.strerror}"],
            hint="`aggregator --config FILE init` writes one to start from",
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, [f"not TOML: {error}"]) from None
    given = state or environment.get(STATE_ENVIRONMENT)
    if given:
        document["state"] = given
    elif "state" not in document and "STATE_DIRECTORY" in environment:
        document["state"] = environment["STATE_DIRECTORY"]
    try:
        return Config.model_validate(document)
    except ValidationError as error:
        raise ConfigError(path, sentences(error, _numbered, _FORMS)) from None


def _numbered(place: Place) -> str:
    return " ".join(f"#{p + 1}" if isinstance(p, int) else p for p in place)


def example(state: Path | None = None) -> str:
    """A commented configuration to start from.

    Args:
        state: the state directory it names; the default one when None.
    """
    if state is None:
        return _EXAMPLE
    line = f"state = {tomlkit.item(str(state.absolute())).as_string()}"
    return _EXAMPLE.replace(_STATE_LINE, line, 1)


_STATE_LINE: Final = 'state = "/var/lib/gitmeter"'
_EXAMPLE: Final = f"""\
# gitmeter aggregator. Every key is optional except the repos; commented ones show their default.

# Database and mirrors. Under systemd $STATE_DIRECTORY is used when this is absent.
{_STATE_LINE}

# The daemon pulls this often, plus a random part of the jitter.
# pull_every_s = 300
# pull_jitter_s = 60

# Limits for fetching one repo.
# fetch_workers = 8
# fetch_timeout_s = 600
# connect_timeout_s = 15
# fetch_memory_bytes_max = 1073741824
# fetch_file_bytes_max = 4294967296

# How far a record may lie ahead of its commit, and a commit ahead of our clock.
# skew_s = 300

# A charge with a higher list cost is shown as an overflow and costs nothing.
# charge_cost_max_usd = 1000000

# One table for each repo. token_file (https), ssh_key_file and known_hosts_file (ssh) name files;
# secrets never stand here. Give `name` when a node has more than one repo.
#
# [[repo]]
# node = "embedder-01"
# url = "https://forge.example/hero_ops/billing-embedder-01.git"
# token_file = "/etc/gitmeter/token"
#
# [[repo]]
# node = "books"
# url = "https://forge.example/hero_ops/billing-books.git"
# token_file = "/etc/gitmeter/token"
# role = "books"
"""
