"""All settings of the aggregator, as one frozen model."""

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
from aggregator.config.sections import ForgeConfig, ListenConfig, NotifyConfig, TopupConfig
from gitmeter.roles.role import Role

NODES_DIR_NAME: Final = "nodes.d"


class Config(Section):
    """All settings of the aggregator."""

    state: Path = Field(
        default=STATE_DEFAULT,
        description="Directory of the database and the mirrors. Under systemd $STATE_DIRECTORY"
        " is used if this is absent.",
    )
    allowed_signers_file: Path | None = Field(
        default=None,
        description="The keys that may sign for each node, in OpenSSH's allowed_signers format,"
        " one line per key: `node-pusher show-key >> allowed_signers`, and `books show-key` for the"
        " books.",
    )
    repo: tuple[RepoConfig, ...] = Field(
        default=(),
        description="The repos to read: one table for each that is not a registered node's; at"
        " least the books. Give `name` if a node has more than one repo. token_file (https),"
        " ssh_key_file and known_hosts_file (ssh) name files. `allow` limits what a repo may bill."
        " allow_unsigned = true accepts commits that no allowed key has signed, with a warning each"
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
        description="Directory of the registrations of nodes; nodes.d beside this file if absent.",
    )
    registration_faults: tuple[tuple[str, str], ...] = Field(
        default=(), exclude=True, description="Set when registrations are read: node and fault."
    )
    forge: ForgeConfig | None = Field(
        default=None,
        description="The forge with an organisation that has a repo for each node. `aggregator node"
        " add` creates and registers them (in nodes.d, beside this file), and the daemon reads from"
        " the forge's list which have changed. The token's user must own the organisation; scopes"
        " write:organization and write:repository.",
    )
    listen: ListenConfig | None = Field(
        default=None,
        description="The daemon's web server: POST /webhook, GET /metrics, GET /healthz.",
    )
    notify: NotifyConfig | None = Field(
        default=None,
        description="A webhook that receives incidents and low balances; see"
        " docs/notifications.md.",
    )
    topup: TopupConfig | None = Field(
        default=None,
        description="Automatic payments: the till that charges saved cards, which is told of every"
        " account below its own threshold; see docs/payments.md.",
    )
    copy_remote: RemoteConfig | None = Field(
        default=None,
        alias="copy",
        description="A repo of your own that keeps a copy of every billed commit; needs push"
        " access.",
        examples=[
            {
                "url": "https://elsewhere.example/hero_ops/billing-copies.git",
                "token_file": "/etc/gitmeter/copy_token",
            }
        ],
    )
    pull_every_s: int = Field(
        default=300, ge=5, le=86_400, description="Seconds between two passes of the daemon."
    )
    pull_jitter_s: int = Field(
        default=60, ge=0, le=86_400, description="Up to this many seconds are added, at random."
    )
    fetch_workers: int = Field(default=8, ge=1, le=64, description="Repos fetched at once.")
    fetch_timeout_s: int = Field(default=600, ge=1, description="Limit for fetching one repo.")
    turn_s: int = Field(
        default=30,
        ge=1,
        description="Seconds for which commits of one repo are applied before others get a turn.",
    )
    connect_timeout_s: int = Field(default=15, ge=1, description="Limit for one response.")
    fetch_memory_bytes_max: int = Field(
        default=1 << 30, ge=1 << 26, description="Memory limit of the git program that fetches."
    )
    fetch_file_bytes_max: int = Field(
        default=4 << 30, ge=1 << 20, description="Largest file that a fetch may write."
    )
    silent_after_s: int = Field(
        default=86_400,
        ge=0,
        description="A node that pushes nothing for this long is an incident; 0 for never. Not for"
        " books, tills and desks, which push when there is something to push.",
    )
    skew_s: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="Seconds a record may be ahead of its commit, and a commit ahead of our clock.",
    )
    test: bool = Field(
        default=False,
        description="Whether movements of providers' test accounts count; never where people pay.",
    )
    charge_cost_max_usd: int = Field(
        default=1_000_000,
        ge=1,
        le=1_000_000_000,
        description="The most that one charge costs at the list price; a record that alone costs"
        " more is held.",
    )

    @field_validator("repo")
    @classmethod
    def _repos_differ(cls, repos: tuple[RepoConfig, ...]) -> tuple[RepoConfig, ...]:
        counts = Counter(repo.name for repo in repos)
        if twins := sorted(name for name, count in counts.items() if count > 1):
            raise ValueError(f"two have the name {', '.join(twins)}; give each its own `name`")
        if sum(repo.role == "books" for repo in repos) > 1:
            raise ValueError("only one may have the role books")
        roles = dict[str, Role]()
        for repo in repos:
            before = roles.setdefault(repo.node, repo.role)
            if before != repo.role:
                raise ValueError(
                    f"{repo.node} has a repo of role {before} and one of role {repo.role}; a node"
                    " has one role"
                )
        return repos

    @model_validator(mode="after")
    def _some_key_may_sign(self) -> Self:
        signed = [r.name for r in self.repo if not (r.allow_unsigned or r.registered_at)]
        if signed and self.allowed_signers_file is None:
            raise ValueError(
                f"allowed_signers_file: is missing; commits of {', '.join(signed)} must be signed"
                " by a key in it (or say allow_unsigned = true for a repo)"
            )
        return self

    @property
    def books(self) -> str:
        """The name of the repo with the role of books; empty if there is none."""
        return next((repo.name for repo in self.repo if repo.role == "books"), "")

    @property
    def database_path(self) -> Path:
        """The ledger's database file."""
        return database_in(self.state)

    @property
    def mirrors_path(self) -> Path:
        """The folder of all mirrors."""
        return mirrors_in(self.state)

    def mirror_path(self, name: str) -> Path:
        """The mirror of the repo with this name."""
        return mirror_in(self.state, name)
