"""A test forge, an aggregator's configuration for it, and what is on both.

with Place(tmp_path) as place:
    place.provisioner().add("vm-01", place.key("vm-01"))
    place.steps, place.state()
"""

from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from aggregator.config.loading import load_config
from aggregator.config.nodes_dir import load_registrations, read_registrations
from aggregator.config.registration import Registration
from aggregator.config.settings import Config
from aggregator.fleet.drift.comparison import Checked, check
from aggregator.fleet.drift.differences import Drift
from aggregator.fleet.setup.provision import Provisioner
from aggregator.fleet.setup.repo_setup import Done, Step
from aggregator.forge.answers import Access, Wait
from aggregator.forge.forgejo import Forgejo
from gitmeter.git_remote.remote import Remote
from gitmeter.signing.signing_key import new_signing_key
from tests.support.files import write_secret, write_toml
from tests.support.forge import ForgeServer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "s1gns-webhooks-for-tests"  # noqa: S105 - opens nothing
TIMEOUT_S = 120.0


class Place:
    """A forge and an aggregator that knows it.

    Args:
        folder: everything lies below it.
        has_ssh: whether the forge has a real sshd.
        flavour: what the forge behaves as.
        tables: of the configuration, beside those that every place has.

    Attributes:
        folder: everything lies below it.
        forge: the forge.
        token_file, config_file: of the aggregator.
        steps: that were said so far.
        hook_url: the address that the forge sends pushes to; nothing listens there.
    """

    def __init__(
        self,
        folder: Path,
        *,
        has_ssh: bool = False,
        flavour: Literal["forgejo", "gitea"] = "forgejo",
        **tables: object,
    ) -> None:
        self.folder = folder
        self.forge = ForgeServer(folder / "forge", has_ssh=has_ssh, flavour=flavour)
        self.forge.webhooks.fate = "drop"
        self.token_file = folder / "token"
        self.config_file = folder / "aggregator.toml"
        self.steps: list[Step] = []
        self.hook_url = "http://127.0.0.1:9/webhook"
        self._tables = tables
        self._keys: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.forge.__enter__()
        self.use_token(self.forge.admin_token)
        secret_file = write_secret(self.folder / "secret", SECRET)
        (self.folder / "allowed_signers").write_text("")
        forge: dict[str, object] = {
            "kind": "forgejo",
            "url": self.forge.base_url,
            "org": self.forge.org.name,
            "token_file": self.token_file,
            "webhook_url": self.hook_url,
        }
        if self.forge.ssh is not None:
            forge["known_hosts_file"] = self.forge.ssh.known_hosts_file
        values = {
            "state": self.folder / "state",
            "allowed_signers_file": self.folder / "allowed_signers",
            "listen": {"webhook_secret_file": secret_file},
            "forge": forge,
            **self._tables,
        }
        write_toml(self.config_file, values)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.forge.__exit__(kind, error, trace)

    def use_token(self, token: str) -> None:
        """Ask with another token."""
        write_secret(self.token_file, f"{token}\n")

    def config(self) -> Config:
        """The configuration as it is read now."""
        return load_config(self.config_file, environment={})

    def registrations(self) -> dict[str, Registration]:
        """What is registered."""
        return load_registrations(self.config().nodes_dir)

    def client(self, timeout_s: float = TIMEOUT_S, wait: Wait | None = None) -> Forgejo:
        """A client of the forge."""
        base, org = self.forge.base_url, self.forge.org.name
        access = Access(Remote(f"{base}/api/v1", self.token_file), org, wait, timeout_s)
        return Forgejo(access, f"{base}/{org}", require_signed_commits=False)

    def provisioner(self, now: datetime = NOW) -> Provisioner:
        """The actions on nodes; what they say goes to `steps`."""
        return Provisioner(self.client(), self.config(), now, self.steps.append)

    def done(self) -> dict[str, Done]:
        """What was said since the last call: the kind of each step, and what it came to."""
        said, self.steps = self.steps, []
        return {step.what: step.done for step in said}

    def key(self, name: str) -> str:
        """A public key of this name, always the same one."""
        if name not in self._keys:
            self._keys[name] = new_signing_key().public.line
        return self._keys[name]

    def checked(self) -> Checked:
        """The result of a check."""
        return check(self.client(), self.config(), read_registrations(self.config().nodes_dir))

    def drifts(self) -> tuple[Drift, ...]:
        """What is not as it should be."""
        return self.checked().drifts

    def state(self) -> Any:  # noqa: ANN401 - to be compared as a whole
        """Everything on the forge and in the registrations but numbers and times."""
        repos = {
            repo.name: (
                repo.private,
                repo.archived_at is not None,
                sorted((key.content, key.title, key.read_only) for key in repo.keys),
                {name: rule.options for name, rule in repo.rules.items()},
            )
            for repo in self.forge.org.repos.values()
        }
        hooks = [
            (hook.type, hook.url, hook.secret, hook.events, hook.branch_filter, hook.active)
            for hook in self.forge.org.hooks.values()
        ]
        nodes = {
            node.node: (
                node.allow,
                node.retired_at is not None,
                [(key.line, key.closed_at is not None) for key in node.keys],
                [(repo.name, repo.forge_name) for repo in node.repos],
            )
            for node in self.registrations().values()
        }
        return repos, hooks, nodes
