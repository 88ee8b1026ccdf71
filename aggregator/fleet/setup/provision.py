"""Sets nodes up and changes them: on the forge first, then in the registration that lets them bill.

Every action may be run again: it keeps what is there and adds what is missing. An action that was
interrupted at any request is therefore finished by the same command.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.config.naming import forge_name, node_repo
from aggregator.config.registration import RegisteredKey, Registration
from aggregator.config.settings import Config
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.setup.choosing import RepoChoice
from aggregator.fleet.setup.registry import Roster, forge_config, hook_secret
from aggregator.fleet.setup.repo_setup import OnStep, RepoSetup
from aggregator.forge.interface import Forge, ForgeRepo
from gitmeter.roles.role import PROGRAMS, NodeRole

_SUFFIX: Final = re.compile("[a-z0-9][a-z0-9-]{0,15}")
_ROTATE_HINT: Final = "its next key is registered with `aggregator node rotate-key`"


@dataclass(frozen=True)
class Provisioned:
    """The result of an action.

    Attributes:
        registration: the node's registration, as it is on disk now.
        ssh_url: the address that the node pushes to; None if the action does not concern it.
        is_moved: whether the node knows the repo under another address.
    """

    registration: Registration
    ssh_url: str | None = None
    is_moved: bool = False


class Provisioner:
    """The actions on nodes.

    Args:
        forge: the forge with their repos.
        config: the configuration.
        now: the present time, which registrations are dated with.
        on_step: called after each step.

    Raises:
        FleetError: no forge is configured.
    """

    def __init__(self, forge: Forge, config: Config, now: datetime, on_step: OnStep) -> None:
        self._forge = forge
        self._config = config
        self._now = now
        self._on_step = on_step
        self._pattern = forge_config(config).pattern
        self._roster = Roster(config, now, on_step)
        self._setup = RepoSetup(forge, forge_config(config), on_step)
        self._choice = RepoChoice(forge, self._roster, self._setup)

    def add(
        self,
        node: str,
        key: str | None = None,
        allow: Sequence[str] | None = None,
        *,
        role: NodeRole | None = None,
        adopt: bool = False,
    ) -> Provisioned:
        """Set a node up: its repo, its key, the protection of its branch, the webhook.

        Args:
            node: the node's name.
            key: the line of `show-key`, or the key alone; None if it is registered.
            allow: patterns of what it may bill; None to leave them as they are.
            role: what it pushes; None for what is registered, or else usage.
            adopt: use the repo of that name even if it was not made here or is not the registered
                one.

        Raises:
            FleetError: the name, the key or the repo belongs to another node, or the node has
                another role.
            ForgeError: the forge does not answer, or refuses.
            RegistrationError: a registration cannot be read or written.
            AllowedSignersError, SecretFileError: the key, or a file with secrets, is unusable.
        """
        known, secret = self._of_key(node, key, role), hook_secret(self._config)
        registered = known.repos[-1] if known.repos else None
        local = node if registered is None else registered.name
        if registered is None or adopt:
            known, repo = self._choice.take_or_make(known, local, adopt=adopt)
        else:
            known, repo = self._choice.present(known, registered)
        self._open(repo, known, secret)
        known = self._keep_earlier(known)
        return Provisioned(self._roster.register(known, allow, local, repo), repo.ssh_url)

    def accept(
        self,
        node: str,
        key: str | None = None,
        name: str | None = None,
        allow: Sequence[str] | None = None,
        *,
        role: NodeRole | None = None,
    ) -> Provisioned:
        """Let an existing repo of the forge bill for a node; nothing is changed on the forge.

        Args:
            node: the node's name.
            key: the line of `show-key`, or the key alone; None if it is registered.
            name: the repo's name on the forge; None for the node's first one.
            allow: patterns of what it may bill; None to leave them as they are.
            role: what it pushes; None for what is registered, or else usage.

        Raises:
            FleetError: no such repo, it is not named like the node's, or the key is not the node's,
                or it has another role.
            ForgeError, RegistrationError, AllowedSignersError: as `add` raises them.
        """
        known = self._of_key(node, key, role)
        name = name or self._forge_name(node)
        found = self._forge.find_repo(name)
        if found is None:
            raise FleetError(
                f"the forge has no repo {name}",
                hint="if it was renamed, give --repo NAME (see `node list`); `node add` makes one",
            )
        local = self._roster.local_name(node, found)
        before = next((repo for repo in known.repos if repo.name == local), None)
        if before is not None:
            self._choice.locator.check_history(before, found)
        is_moved = before is not None and before.forge_name != found.name
        changed = self._roster.register(known, allow, local, found)
        return Provisioned(changed, found.ssh_url, is_moved)

    def rotate(self, node: str, key: str) -> Provisioned:
        """Let a node's next key push and sign, in addition to its present ones.

        Raises:
            FleetError: the node is not registered or retired, or the key belongs to another node.
            ForgeError, RegistrationError, AllowedSignersError: as `add` raises them.
        """
        known = self._roster.active(node)
        line = self._roster.key(node, key, known.role)
        if any(old.line == line and old.closed_at is not None for old in known.keys):
            raise FleetError(
                f"{node} had that key, and it was closed",
                hint=f"on the node: {PROGRAMS[known.role]} rotate-key --prepare",
            )
        known, repos = self._choice.certain(known, known.repos)
        for repo in repos:
            if not repo.archived:
                self._setup.deploy_key(repo.name, node, line)
        if any(old.line == line for old in known.keys):
            return Provisioned(self._roster.write(known))
        added = RegisteredKey(line=line, added_at=self._now)
        keys = (*known.keys, added)
        return Provisioned(self._roster.write(known.model_copy(update={"keys": keys})))

    def close(self, node: str) -> Provisioned:
        """Close all keys of a node but the newest: they can push no more, nor sign what is new.

        Raises:
            FleetError: the node is not registered, or retired.
            ForgeError, RegistrationError: as `add` raises them.
        """
        known = self._roster.active(node)
        newest = known.open_keys()[-1:]
        lines = frozenset(key.line for key in known.keys if key not in newest)
        known, repos = self._choice.certain(known, known.repos)
        for repo in repos:
            self._setup.no_deploy_keys(repo.name, lines)
        keys = tuple(
            key
            if key in newest or key.closed_at is not None
            else key.model_copy(update={"closed_at": self._now})
            for key in known.keys
        )
        return Provisioned(self._roster.write(known.model_copy(update={"keys": keys})))

    def rollover(self, node: str, suffix: str) -> Provisioned:
        """Set up a node's next repo, with the same keys.

        Args:
            node: the node's name.
            suffix: what distinguishes the repo in its name, such as `2027`.

        Raises:
            FleetError: the node is not registered or retired, or the suffix is invalid or in use.
            ForgeError, RegistrationError, SecretFileError: as `add` raises them.
        """
        known, local = self._roster.active(node), f"{node}.{suffix}"
        name = self._forge_name(local)
        if not _SUFFIX.fullmatch(suffix) or node_repo(self._pattern, name) != (node, local):
            raise FleetError(
                f"not the name of a repo: {local}", hint="a suffix is a-z, 0-9 and -, like 2027"
            )
        registered = next((repo for repo in known.repos if repo.name == local), None)
        if registered not in {None, *known.repos[-1:]}:
            raise FleetError(f"{node} rolled over from {local} to {known.repos[-1].name} already")
        secret = hook_secret(self._config)
        if registered is None:
            known, repo = self._choice.take_or_make(known, local)
        else:
            known, repo = self._choice.present(known, registered)
        self._open(repo, known, secret)
        return Provisioned(self._roster.register(known, None, local, repo), repo.ssh_url)

    def retire(self, node: str, local: str | None = None) -> Provisioned:
        """Stop a node from pushing. What it pushed is still read and billed.

        Args:
            node: the node's name.
            local: the configured name of a previous repo, to retire only that; None for the node.

        Raises:
            FleetError: the node is not registered, or has no such previous repo.
            ForgeError, RegistrationError: as `add` raises them.
        """
        known = self._roster.known(node)
        if local is not None and local not in {repo.name for repo in known.repos[:-1]}:
            raise FleetError(
                f"{local} is not a previous repo of {node}",
                hint=f"`aggregator node rollover {node} SUFFIX` starts the next one; without --repo"
                " the whole node is retired",
            )
        chosen = [repo for repo in known.repos if local in {None, repo.name}]
        lines = frozenset(key.line for key in known.keys)
        known, found = self._choice.certain(known, chosen)
        for on_forge in found:
            self._setup.shut(on_forge, lines)
        if local is None:
            values: dict[str, object] = {"retired_at": known.retired_at or self._now}
        else:
            closed = {"closed_at": chosen[0].closed_at or self._now}
            values = {
                "repos": tuple(
                    repo.model_copy(update=closed) if repo.name == local else repo
                    for repo in known.repos
                )
            }
        return Provisioned(self._roster.write(known.model_copy(update=values)))

    def hook(self) -> None:
        """Replace the webhook, for example after a change of its secret.

        Raises:
            FleetError, ForgeError, SecretFileError: none is configured; else as `add` raises them.
        """
        secret = hook_secret(self._config)
        if secret is None:
            raise FleetError(
                "no webhook is configured",
                hint="it needs [forge] webhook_url and [listen] webhook_secret_file",
            )
        self._setup.hook(secret, replace=True)

    def _of_key(self, node: str, key: str | None, role: NodeRole | None) -> Registration:
        """The registration of a node, or a new one with this key."""
        known = self._roster.to_add(node, role)
        role = role or (known.role if known is not None else "usage")
        line = None if key is None else self._roster.key(node, key, role)
        if known is None and line is None:
            raise FleetError(
                f"{node} is not registered yet, so its key is needed",
                hint=f"on the node: {PROGRAMS[role]} show-key --node {node}",
            )
        if known is None:
            return self._roster.new(node, role, str(line))
        if line is not None and not known.repos:  # its first `add` did not come to an end
            return self._roster.new(node, role, line, known.making)
        if line not in {None, *(each.line for each in known.open_keys())}:
            raise FleetError(f"{node} is registered with another key", hint=_ROTATE_HINT)
        return known

    def _open(self, repo: ForgeRepo, known: Registration, secret: str | None) -> None:
        for key in known.open_keys():
            self._setup.deploy_key(repo.name, known.node, key.line)
        self._setup.protection(repo.name)
        self._setup.check_readable(repo)
        self._setup.hook(secret)

    def _keep_earlier(self, known: Registration) -> Registration:
        """Protect the previous repos too: what was billed is in them."""
        known, repos = self._choice.certain(known, known.repos[:-1])
        for repo in repos:
            if not repo.archived:
                self._setup.close_to_people(repo)
                self._setup.protection(repo.name)
        return known

    def _forge_name(self, local: str) -> str:
        return forge_name(self._pattern, local)
