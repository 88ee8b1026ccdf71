"""The aggregator's configuration: one TOML file into a frozen model.

A command-line option goes before an environment variable, that before the file, the file before the
default. Every fault is listed with its key.
"""

import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from aggregator.config import settings
from aggregator.config.nodes_dir import read_registrations, registration_file
from aggregator.config.remote import RemoteConfig, Section
from aggregator.config.repos import ALLOW_PATTERN, RepoConfig
from aggregator.config.settings import ForgeConfig, ListenConfig, NotifyConfig
from gitmeter.support.errors import GitmeterError
from wire_format.wording import FORMS, Place, sentences

CONFIG_PATH_DEFAULT: Final = Path("/etc/gitmeter/aggregator.toml")
STATE_ENVIRONMENT: Final = "AGGREGATOR_STATE"
_MEND_HINT: Final = "mend these and run `aggregator config check`"
_ALLOW_FORM: Final = "1 to 200 letters, digits and . _ : / @ + - * ?"
_FORMS: Final = FORMS | settings.FORMS | {ALLOW_PATTERN: _ALLOW_FORM}
_NODES: Final = "nodes.d"


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
        default=CONFIG_PATH_DEFAULT.with_name(_NODES),
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
    document.setdefault("nodes_dir", str(path.absolute().with_name(_NODES)))
    try:
        return with_registered(Config.model_validate(document))
    except ValidationError as error:
        raise ConfigError(path, sentences(error, _numbered, _FORMS)) from None


def with_registered(config: Config) -> Config:
    """A configuration with the repos of the nodes that are registered now.

    Where a registration cannot be used, that node's repos stay as they were, and the fault is told.
    """
    forge, nodes_dir = config.forge, config.nodes_dir
    token_url, token_file = ("", None) if forge is None else (forge.url, forge.token_file)
    repos = [repo for repo in config.repo if repo.registered_at is None]
    taken = {repo.node for repo in repos} | {repo.name for repo in repos}
    before = [repo for repo in config.repo if repo.registered_at is not None]
    found = read_registrations(nodes_dir)
    faults = {node: str(error) for node, error in found.faults.items()}
    if before and not nodes_dir.exists():
        faults[""] = f"{nodes_dir} is gone: put it back"
    for node, registration in found.nodes.items():
        if taken & {node, *(repo.name for repo in registration.repos)}:
            faults[node] = f"{node} has a [[repo]] table in the configuration too: delete one"
            continue
        try:
            repos += registration.as_repos(token_url, token_file)
        except ValidationError as error:
            file = registration_file(nodes_dir, node)
            faults[node] = f"{file}: {'; '.join(sentences(error, _numbered))}"
    repos += [repo for repo in before if "" in faults or repo.node in faults]
    values = {**dict(config), "repo": repos, "copy": config.copy_remote}
    del values["copy_remote"]
    values["registration_faults"] = tuple(sorted(faults.items()))
    return Config.model_validate(values)


def _numbered(place: Place) -> str:
    return " ".join(f"#{p + 1}" if isinstance(p, int) else p for p in place)
