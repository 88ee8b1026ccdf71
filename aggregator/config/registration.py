"""Registrations: which repos of the forge may bill for which node, one TOML file per node.

`nodes.d/<node>.toml` is written by `aggregator node ...` and contains no secret:

    node = "embedder-01"
    role = "till"                        # or "desk"; left out for a node that records usage
    registered_at = 2026-11-21T10:00:00Z

    [[key]]
    line = "ssh-ed25519 AAAA..."
    added_at = 2026-11-21T10:00:00Z

    [[repo]]
    name = "embedder-01"
    forge_name = "billing-embedder-01"
    forge_id = 17
    created_at = 2026-11-21T09:58:00Z

A repo on the forge bills nothing until such a file names it. Its address is made from `[forge]` and
its name there, so that a forge or organisation that moves strands no registration. Earlier versions
wrote the address itself (`url`), of which the name is read.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from aggregator.config.naming import ForgeIdentity
from aggregator.config.repos import ALLOW_PATTERN, RepoConfig, Section
from aggregator.config.sections import ForgeConfig
from gitmeter.roles.role import NodeRole
from gitmeter.signing.allowed_signers import AllowedSignersError, parse_allowed_signers
from wire_format import fields

FORGE_NAME_PATTERN: Final = r"[A-Za-z0-9._-]{1,100}"
"""The name of a repo on a forge."""


def _in_utc(value: Any) -> Any:  # noqa: ANN401 - whatever the file says
    if value is None:
        return None
    # pydantic would take a number for a time
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a time with Z")
    return value.astimezone(UTC)


class RegisteredKey(Section):
    """A key that may sign for the node and push to its repos.

    Attributes:
        line: the algorithm and the key, as in `signing_key.pub`.
        added_at: when the key was registered, in UTC.
        closed_at: when it ceases to be valid for new heads, in UTC; None while it is open.
    """

    line: str
    added_at: datetime
    closed_at: datetime | None = None

    _times = field_validator("added_at", "closed_at", mode="before")(_in_utc)

    @field_validator("line")
    @classmethod
    def _is_key(cls, line: str) -> str:
        """Keep only algorithm and key, so that two spellings of one key are equal."""
        try:
            (entry,) = parse_allowed_signers(f"* {line}\n", "the key").entries
        except (AllowedSignersError, ValueError):
            raise ValueError("must be a key like ssh-ed25519 AAAA...") from None
        return entry.key.line

    def signer(self, node: str) -> str:
        """Return the line of allowed signers for this key."""
        options = 'namespaces="git"'
        if self.closed_at is not None:
            options += f',valid-before="{self.closed_at:%Y%m%d%H%M%SZ}"'
        return f"{node} {options} {self.line}"


class RegisteredRepo(Section):
    """A repo that carries the node's records.

    Attributes:
        name: its name in the aggregator: the node's name, for later repos with `.` and a suffix.
        forge_name: its name on the forge.
        forge_id: the forge's number for it. A rename does not change it, but a restored backup or
            a new server gives it to another repo.
        created_at: when the forge made it, in UTC, by which repos of one number differ; None in a
            registration of an earlier version.
        branch: the branch that is billed.
        closed_at: since when nothing new is expected of it, in UTC; None while it is in use.
    """

    name: Annotated[str, StringConstraints(pattern=f"^(?:{fields.REPO_PATTERN})$")]
    forge_name: Annotated[str, StringConstraints(pattern=f"^(?:{FORGE_NAME_PATTERN})$")]
    forge_id: int = Field(ge=1)
    created_at: datetime | None = None
    branch: str = "main"
    closed_at: datetime | None = None

    _times = field_validator("created_at", "closed_at", mode="before")(_in_utc)

    @model_validator(mode="before")
    @classmethod
    def _name_from_url(cls, values: Any) -> Any:  # noqa: ANN401 - whatever the file says
        if isinstance(values, dict) and "forge_name" not in values and "url" in values:
            url = values["url"]
            named = {"forge_name": _end_of(url)} if isinstance(url, str) else {}
            return {key: value for key, value in values.items() if key != "url"} | named
        return values

    @property
    def on_forge(self) -> ForgeIdentity:
        """What identifies it on the forge."""
        return ForgeIdentity(self.forge_name, self.forge_id, self.created_at)

    def url(self, forge: ForgeConfig) -> str:
        """The address from which it is fetched."""
        return f"{forge.url}/{forge.org}/{self.forge_name}.git"


def _end_of(url: str) -> str:
    """The name of a repo in its address; empty if it cannot be one."""
    try:
        return urlsplit(url).path.rsplit("/", 1)[-1].removesuffix(".git")
    except ValueError:
        return ""


class Registration(Section):
    """The registration of one node.

    Attributes:
        node: the node's name.
        role: what all its repos carry; the books are not registered, but configured.
        registered_at: when it was registered, in UTC.
        retired_at: since when nothing new is expected of it, in UTC; None while it is in use.
        allow: patterns of the resources that it may bill; empty for all.
        silent_after_s: how long it may push nothing before that is an incident; 0 for no limit,
            None for the default, which is no limit for a till or desk.
        keys: the keys that may sign for it, or could until they were closed.
        repos: its repos, the newest last.
        making: the description by which a repo is recognised that is being made for it; None when
            none is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    node: Annotated[str, StringConstraints(pattern=f"^(?:{fields.NODE_PATTERN})$")]
    role: NodeRole = "usage"
    registered_at: datetime
    retired_at: datetime | None = None
    allow: tuple[Annotated[str, StringConstraints(pattern=f"^(?:{ALLOW_PATTERN})$")], ...] = ()
    silent_after_s: int | None = Field(default=None, ge=0)
    keys: tuple[RegisteredKey, ...] = Field(default=(), alias="key")
    repos: tuple[RegisteredRepo, ...] = Field(default=(), alias="repo")
    making: str | None = None

    _times = field_validator("registered_at", "retired_at", mode="before")(_in_utc)

    @model_validator(mode="after")
    def _repos_are_its_own(self) -> Self:
        if len({(repo.forge_id, repo.created_at) for repo in self.repos}) < len(self.repos):
            raise ValueError("repo: two have the same forge_id")
        if len({repo.name for repo in self.repos}) < len(self.repos):
            raise ValueError("repo: two have the same name")
        for repo in self.repos:
            if repo.name.partition(".")[0] != self.node:
                raise ValueError(f"repo: {repo.name} is not a name for a repo of {self.node}")
        return self

    @property
    def is_dated(self) -> bool:
        """Whether the creation time of every repo is known."""
        return all(repo.created_at is not None for repo in self.repos)

    def open_keys(self) -> tuple[RegisteredKey, ...]:
        """The keys that may sign new commits."""
        return tuple(key for key in self.keys if key.closed_at is None)

    def as_repos(self, forge: ForgeConfig) -> list[RepoConfig]:
        """Return the node's repos as the configuration has them.

        Raises:
            pydantic.ValidationError: the address of a repo is not allowed.
        """
        return [
            RepoConfig(
                node=self.node,
                role=self.role,
                name=repo.name,
                url=repo.url(forge),
                branch=repo.branch,
                token_file=forge.token_file,
                allow=self.allow,
                silent_after_s=self.silent_after_s,
                forge_id=repo.forge_id,
                forge_created_at=repo.created_at,
                signers=tuple(key.signer(self.node) for key in self.keys),
                registered_at=self.registered_at,
                retired_at=self.retired_at or repo.closed_at,
            )
            for repo in self.repos
        ]
