"""Everything the aggregator can be told, as one frozen model."""

from collections import Counter
from pathlib import Path
from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from aggregator.config.document import (
    CONFIG_PATH_DEFAULT,
    STATE_DEFAULT,
    database_in,
    mirror_in,
    mirrors_in,
)
from aggregator.config.repos import RemoteConfig, RepoConfig, Section
from aggregator.config.sections import ForgeConfig, ListenConfig, NotifyConfig

NODES_DIR_NAME: Final = "nodes.d"


class Config(Section):
    """Everything the aggregator can be told."""

    state: Path = Field(
        default=STATE_DEFAULT,
        description="Directory of the database and the mirrors. Under systemd $STATE_DIRECTORY"
        " is used when"
        " this is absent.",
    )
    allowed_signers_file: Path | None = Field(
        default=None,
        description="The keys that may sign for each node, in OpenSSH's allowed_signers format,"
        " one line a"
        " key: `node-pusher show-key >> allowed_signers`, and `books show-key` for the books.",
    )
    repo: tuple[RepoConfig, ...] = Field(
        default=(),
        description="The repos to read: one table for each that is not a registered node's; the"
        " books,"
        " at least. Give `name` when a node has more than one repo. token_file (https),"
        " ssh_key_file"
        " and known_hosts_file (ssh) name files. `allow` limits what a repo may bill."
        " allow_unsigned = true takes commits that no allowed key has signed, with a warning each"
        " time.",
        examples=[
            {
                "node": "embedder-01",
                "url": "https://forge.example/hero_ops/billing-embedder-01.git",
                "token_file": "/etc/gitmeter/token",
                "allow": ["llm/*"],
            },
            {
                "node": "books",
                "url": "https://forge.example/hero_ops/billing-books.git",
                "token_file": "/etc/gitmeter/token",
                "role": "books",
            },
        ],
    )
    nodes_dir: Path = Field(
        default=CONFIG_PATH_DEFAULT.with_name(NODES_DIR_NAME),
        description="Directory of the registrations of nodes; nodes.d beside this file when"
        " absent.",
    )
    registration_faults: tuple[tuple[str, str], ...] = Field(
        default=(), exclude=True, description="Set when registrations are read: node and fault."
    )
    forge: ForgeConfig | None = Field(
        default=None,
        description="The forge whose organisation has a repo for each node. `aggregator node"
        " add` makes"
        " and registers them (in nodes.d, beside this file), and the daemon reads from its list"
        " what"
        " has changed. The token's user must own the organisation; scopes write:organization and"
        " write:repository.",
    )
    listen: ListenConfig | None = Field(
        default=None,
        description="The daemon's own small web server: POST /webhook, GET /metrics, GET /healthz.",
    )
    notify: NotifyConfig | None = Field(
        default=None,
        description="A webhook that receives incidents and balances that run low; see"
        " docs/notifications.md.",
    )
    copy_remote: RemoteConfig | None = Field(
        default=None,
        alias="copy",
        description="A repo of your own that keeps a copy of every commit that was billed;"
        " needs push"
        " access.",
        examples=[
            {
                "url": "https://elsewhere.example/hero_ops/billing-copies.git",
                "token_file": "/etc/gitmeter/copy_token",
            }
        ],
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
        return database_in(self.state)

    @property
    def mirrors_path(self) -> Path:
        """The folder of all mirrors."""
        return mirrors_in(self.state)

    def mirror_path(self, name: str) -> Path:
        """The mirror of the repo with this name."""
        return mirror_in(self.state, name)
