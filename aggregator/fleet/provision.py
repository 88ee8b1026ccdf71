"""Nodes set up and changed: on the forge first, then in the registration, which lets them bill.

Every action may be run again: what is done already stays, what is missing is made. So one that was
interrupted at any request is finished by the same command.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.config.naming import forge_name, node_repo
from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration, repo_name
from aggregator.config.settings import Config
from aggregator.fleet.node_keys import FleetError
from aggregator.fleet.registry import Roster, forge_config
from aggregator.fleet.repo_setup import Closing, Done, RepoSetup, Say, Step, Target, find_registered
from aggregator.forge.interface import Forge, ForgeRepo
from gitmeter.http_edge.secret_file import read_secret

_SUFFIX: Final = re.compile("[a-z0-9][a-z0-9-]{0,15}")
_ROTATE_HINT: Final = "its next key is registered with `aggregator node rotate-key`"


@dataclass(frozen=True)
class Provisioned:
    """What an action came to.

    Attributes:
        registration: of the node, as it is on disk now.
        ssh_url: where the node pushes to; None where that is not looked at.
    """

    registration: Registration
    ssh_url: str | None = None


class Provisioner:
    """The actions on nodes.

    Args:
        forge: where their repos are.
        config: the configuration.
        now: what registrations are dated with.
        say: told of each step.

    Raises:
        FleetError: no forge is configured.
    """

    def __init__(self, forge: Forge, config: Config, now: datetime, say: Say) -> None:
        self._forge = forge
        self._config = config
        self._now = now
        self._say = say
        self._pattern = forge_config(config).pattern
        self._roster = Roster(config, now, say)
        self._setup = RepoSetup(forge, forge_config(config), say)
        self._closing = Closing(forge, self._setup, say)

    def add(
        self,
        node: str,
        key: str | None = None,
        allow: Sequence[str] | None = None,
        *,
        adopt: bool = False,
    ) -> Provisioned:
        """Set a node up: its repo, its key, the protection of its branch, the webhook.

        Args:
            node: its name.
            key: a line as `node-pusher show-key` prints, or the key alone; may be left out for a
                registered node.
            allow: patterns of what it may bill; None to leave that as it is.
            adopt: take a repo of that name even if it is not empty or not the registered one.

        Raises:
            FleetError: the name, the key or the repo is another's.
            ForgeError, RegistrationError, AllowedSignersError, SecretFileError: see there.
        """
        known, secret = self._of_key(node, key), hook_secret(self._config)
        registered = known.repos[-1] if known.repos else None
        local = node if registered is None else registered.name
        name = self._forge_name(local) if registered is None else repo_name(registered)
        repo = self._setup.repo(Target(name, registered, adopt))
        if registered is None:
            self._roster.local_name(node, repo)
        self._open(repo, known, secret)
        self._keep_earlier(known.repos[:-1])
        return Provisioned(self._roster.register(known, allow, local, repo), repo.ssh_url)

    def accept(
        self,
        node: str,
        key: str | None = None,
        name: str | None = None,
        allow: Sequence[str] | None = None,
    ) -> Provisioned:
        """Let a repo that is on the forge bill for a node; nothing is changed there.

        Args:
            node: its name.
            key: as for `add`.
            name: what the forge calls the repo; None for the node's first one.
            allow: as for `add`.

        Raises:
            FleetError: there is no such repo, it is not called like one of the node's, or the key
                is missing or another's.
            ForgeError, RegistrationError, AllowedSignersError: see there.
        """
        known = self._of_key(node, key)
        name = name or self._forge_name(node)
        found = self._forge.find_repo(name)
        if found is None:
            raise FleetError(
                f"the forge has no repo {name}",
                hint="if it was renamed, say --repo NAME; `aggregator node list` shows what is"
                " there, `aggregator node add` makes one",
            )
        local = self._roster.local_name(node, found)
        return Provisioned(self._roster.register(known, allow, local, found), found.ssh_url)

    def rotate(self, node: str, key: str) -> Provisioned:
        """Let a node's next key push and sign beside the present ones.

        Raises:
            FleetError: the node is not registered or retired, or the key is another's.
            ForgeError, RegistrationError, AllowedSignersError: see there.
        """
        known, line = self._roster.present(node), self._roster.key(node, key)
        if any(old.line == line and old.closed_at is not None for old in known.keys):
            raise FleetError(
                f"{node} had that key, and it was closed",
                hint="on the node: node-pusher rotate-key --prepare",
            )
        for registered in known.repos:
            repo = find_registered(self._forge, registered)
            if repo is None:
                self._say(Step("repo is gone", repo_name(registered), Done.UNCHANGED))
            elif not repo.archived:
                self._setup.deploy_key(repo.name, node, line)
        if any(old.line == line for old in known.keys):
            return Provisioned(self._roster.write(known))
        added = RegisteredKey(line=line, added_at=self._now)
        keys = (*known.keys, added)
        return Provisioned(self._roster.write(known.model_copy(update={"keys": keys})))

    def close(self, node: str) -> Provisioned:
        """End all keys of a node but the newest, on the forge and for what is not billed yet.

        Raises:
            FleetError: the node is not registered, or retired.
            ForgeError, RegistrationError: see there.
        """
        known = self._roster.present(node)
        newest = known.open_keys()[-1:]
        lines = frozenset(key.line for key in known.keys if key not in newest)
        for registered in known.repos:
            self._closing.end_keys(registered, lines)
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
            node: its name.
            suffix: what the repo is told apart by, such as `2027`.

        Raises:
            FleetError: the node is not registered or retired, the suffix makes no name, or was
                used for an earlier repo.
            ForgeError, RegistrationError, SecretFileError: see there.
        """
        known, local = self._roster.present(node), f"{node}.{suffix}"
        name = self._forge_name(local)
        if not _SUFFIX.fullmatch(suffix) or node_repo(self._pattern, name) != (node, local):
            raise FleetError(
                f"not the name of a repo: {local}", hint="a suffix is a-z, 0-9 and -, like 2027"
            )
        registered = next((repo for repo in known.repos if repo.name == local), None)
        if registered not in {None, *known.repos[-1:]}:
            raise FleetError(f"{node} went on from {local} to {known.repos[-1].name} already")
        secret = hook_secret(self._config)
        repo = self._setup.repo(Target(name, registered))
        self._roster.local_name(node, repo)
        self._open(repo, known, secret)
        return Provisioned(self._roster.register(known, None, local, repo), repo.ssh_url)

    def retire(self, node: str, local: str | None = None) -> Provisioned:
        """Let a node push no more. What it pushed is still read and billed.

        Args:
            node: the node.
            local: only this repo of it, by its name here: one that it went on from.

        Raises:
            FleetError: the node is not registered, or the repo is none that it went on from.
            ForgeError, RegistrationError: see there.
        """
        known = self._roster.known(node)
        if local is not None and local not in {repo.name for repo in known.repos[:-1]}:
            raise FleetError(
                f"{local} is no repo that {node} went on from",
                hint=f"`aggregator node rollover {node} SUFFIX` starts the next one; without --repo"
                " the whole node is retired",
            )
        chosen = [repo for repo in known.repos if local in {None, repo.name}]
        lines = frozenset(key.line for key in known.keys)
        for registered in chosen:
            self._closing.shut(registered, lines)
        if local is None:
            values: dict[str, object] = {"retired_at": known.retired_at or self._now}
        else:
            closed = {"closed_at": chosen[0].closed_at or self._now}
            values = {
                "repos": tuple(
                    repo.model_copy(update=closed) if repo in chosen else repo
                    for repo in known.repos
                )
            }
        return Provisioned(self._roster.write(known.model_copy(update=values)))

    def hook(self) -> None:
        """Make the webhook anew, as after a change of its secret.

        Raises:
            FleetError: none is configured.
            ForgeError, SecretFileError: see there.
        """
        secret = hook_secret(self._config)
        if secret is None:
            raise FleetError(
                "no webhook is configured",
                hint="it needs [forge] webhook_url and [listen] webhook_secret_file",
            )
        self._setup.hook(secret, anew=True)

    def _of_key(self, node: str, key: str | None) -> Registration:
        """What is registered of a node, or a new registration with this key."""
        known = self._roster.to_add(node)
        line = None if key is None else self._roster.key(node, key)
        if known is None and line is None:
            raise FleetError(
                f"{node} is not registered yet, so its key is needed",
                hint=f"on the node: node-pusher show-key --node {node}",
            )
        if known is None:
            return self._roster.new(node, str(line))
        if line not in {None, *(each.line for each in known.open_keys())}:
            raise FleetError(f"{node} is registered with another key", hint=_ROTATE_HINT)
        return known

    def _open(self, repo: ForgeRepo, known: Registration, secret: str | None) -> None:
        for key in known.open_keys():
            self._setup.deploy_key(repo.name, known.node, key.line)
        self._setup.protection(repo.name)
        self._setup.hook(secret)

    def _keep_earlier(self, earlier: Sequence[RegisteredRepo]) -> None:
        """Repos that the node wrote before still have what is billed."""
        for registered in earlier:
            repo = find_registered(self._forge, registered)
            if repo is not None and not repo.archived:
                self._setup.private(repo)
                self._setup.protection(repo.name)

    def _forge_name(self, local: str) -> str:
        return forge_name(self._pattern, local)


def hook_secret(config: Config) -> str | None:
    """What the forge is to sign webhooks with; None where none is wanted.

    Raises:
        FleetError: a webhook is wanted, and nothing could check it.
        SecretFileError: the file cannot be used.
    """
    if forge_config(config).webhook_url is None:
        return None
    if config.listen is None or config.listen.webhook_secret_file is None:
        raise FleetError(
            "[forge] webhook_url is set, but nothing could check what comes there",
            hint="set [listen] webhook_secret_file, or leave webhook_url out",
        )
    return read_secret(config.listen.webhook_secret_file).decode()
