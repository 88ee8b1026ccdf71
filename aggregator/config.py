"""The aggregator's configuration: one TOML file into a frozen model.

A command-line option goes before an environment variable, that before the file, the file before the
default. Every fault is listed with its key.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

import tomlkit
from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from aggregator.remote_config import RemoteConfig, Section
from support.errors import GitmeterError
from wire_format import fields
from wire_format.wording import FORMS, Place, sentences

CONFIG_PATH_DEFAULT: Final = Path("/etc/gitmeter/aggregator.toml")
STATE_ENVIRONMENT: Final = "AGGREGATOR_STATE"
_MEND_HINT: Final = "mend these and run `aggregator config check`"
_ALLOW_PATTERN: Final = r"[A-Za-z0-9._:/@+*?-]{1,200}"
_FORMS: Final = FORMS | {_ALLOW_PATTERN: "1 to 200 letters, digits and . _ : / @ + - * ?"}


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


class KnownRepo(NamedTuple):
    """What a repo is, whether it is configured still or only its mirror is left.

    Attributes:
        name, node, role: as in the configuration.
        branch: the branch that is billed.
        allow: patterns of the resources that it may bill; empty for all.
    """

    name: str
    node: str
    role: str
    branch: str
    allow: tuple[str, ...] = ()

    @property
    def judged_by(self) -> tuple[str, str, str]:
        """What its lines are judged by, as text: node, role and `allow`."""
        return self.node, self.role, ",".join(self.allow)


class RepoConfig(RemoteConfig):
    """One repo to read."""

    node: Annotated[str, StringConstraints(pattern=f"^(?:{fields.NODE_PATTERN})$")] = Field(
        description="The node whose records it carries."
    )
    role: Literal["usage", "books"] = Field(
        default="usage", description="`books` for the operator's payments and rule book."
    )
    name: Annotated[str, StringConstraints(pattern=f"^(?:{fields.REPO_PATTERN})$")] = Field(
        default="",
        description="Names the repo here; the node's name unless the node has several repos.",
        validate_default=False,
    )
    branch: str = Field(default="main", min_length=1, description="The branch that is billed.")
    allow: tuple[Annotated[str, StringConstraints(pattern=f"^(?:{_ALLOW_PATTERN})$")], ...] = Field(
        default=(),
        description="Resources that it may bill, such as llm/* (* for anything); empty for all.",
    )
    allow_unsigned: bool = Field(
        default=False, description="Take commits that no allowed key has signed."
    )

    @model_validator(mode="before")
    @classmethod
    def _name_from_node(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the file says
        # A bad node is one fault, not a second one about a name that nobody wrote.
        if isinstance(values, dict) and "name" not in values:
            node = values.get("node")
            if isinstance(node, str) and fields.is_node(node):
                return {**values, "name": node}
        return values

    @property
    def identity(self) -> KnownRepo:
        """What its mirror remembers of it."""
        return KnownRepo(self.name, self.node, self.role, self.branch, self.allow)


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
    repo: tuple[RepoConfig, ...] = Field(default=(), description="The repos to read.")
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

    @model_validator(mode="after")
    def _somebody_may_sign(self) -> Self:
        signed = [repo.name for repo in self.repo if not repo.allow_unsigned]
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


def example(path: Path, state: Path | None = None) -> str:
    """A commented configuration to start from.

    Args:
        path: where it will lie; the allowed signers are expected beside it.
        state: the state directory it names; the default one when None.
    """
    text = _EXAMPLE
    if state is not None:
        text = text.replace(_STATE_LINE, f"state = {_quoted(state.absolute())}", 1)
    signers = f"allowed_signers_file = {_quoted(signers_beside(path))}"
    return text.replace(_SIGNERS_LINE, signers, 1)


def signers_beside(path: Path) -> Path:
    """Where `init` puts the allowed signers of a configuration."""
    return path.absolute().with_name("allowed_signers")


def _quoted(path: Path) -> str:
    return str(tomlkit.item(str(path)).as_string())


_SIGNERS_LINE: Final = 'allowed_signers_file = "/etc/gitmeter/allowed_signers"'
_STATE_LINE: Final = 'state = "/var/lib/gitmeter"'
_EXAMPLE: Final = f"""\
# gitmeter aggregator. Every key is optional except the repos; commented ones show their default.

# Database and mirrors. Under systemd $STATE_DIRECTORY is used when this is absent.
{_STATE_LINE}

# The daemon pulls this often, plus a random part of the jitter.
# pull_every_s = 300
# pull_jitter_s = 60

# The keys that may sign for each node, in OpenSSH's allowed_signers format, one line a key:
# `node-pusher show-key >> allowed_signers`, and `books show-key` for the books.
{_SIGNERS_LINE}

# Limits for one repo.
# turn_s = 30
# fetch_workers = 8
# fetch_timeout_s = 600
# connect_timeout_s = 15
# fetch_memory_bytes_max = 1073741824
# fetch_file_bytes_max = 4294967296

# How far a record may lie ahead of its commit, and a commit ahead of our clock.
# skew_s = 300

# A charge with a higher list cost is shown as an overflow and costs nothing.
# charge_cost_max_usd = 1000000

# A repo of your own that keeps a copy of every commit that was billed; push access needed.
# [copy]
# url = "https://elsewhere.example/hero_ops/billing-copies.git"
# token_file = "/etc/gitmeter/copy_token"

# One table for each repo. token_file (https), ssh_key_file and known_hosts_file (ssh) name files;
# secrets never stand here. Give `name` when a node has more than one repo. `allow` limits what it
# may bill. allow_unsigned = true takes commits that no allowed key has signed, with a warning each
# time.
#
# [[repo]]
# node = "embedder-01"
# url = "https://forge.example/hero_ops/billing-embedder-01.git"
# token_file = "/etc/gitmeter/token"
# allow = ["llm/*"]
#
# [[repo]]
# node = "books"
# url = "https://forge.example/hero_ops/billing-books.git"
# token_file = "/etc/gitmeter/token"
# role = "books"
"""
