"""The registered nodes while one of them is being changed: what is allowed, and what is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from pydantic import ValidationError

from aggregator.config.naming import forge_name, node_repo
from aggregator.config.nodes_dir import (
    Owners,
    Registered,
    read_registrations,
    write_registration,
)
from aggregator.config.registration import (
    RegisteredKey,
    RegisteredRepo,
    Registration,
)
from aggregator.config.repos import ALLOW_PATTERN
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.identity import agrees
from aggregator.fleet.node_keys import FleetError, check_owner, read_key
from aggregator.fleet.setup.repo_setup import BRANCH, Done, OnStep, Step
from aggregator.forge.interface import ForgeRepo
from gitmeter.http_edge.secret_file import read_secret
from gitmeter.roles.role import NodeRole
from wire_format import fields
from wire_format.wording import FORMS, sentences

_FORGE_HINT: Final = 'add a [forge] table: kind = "forgejo", url, org and token_file'
_FORMS: Final = FORMS | {ALLOW_PATTERN: "1 to 200 letters, digits and . _ : / @ + - * ?"}


@dataclass(frozen=True)
class Roster:
    """The registrations of a configuration.

    Attributes:
        config: the configuration.
        now: the present time, which registrations are dated with.
        on_step: called after each step.
    """

    config: Config
    now: datetime
    on_step: OnStep

    @property
    def registrations(self) -> dict[str, Registration]:
        """The usable registrations by node, as first read, with what was written since."""
        return self._read.nodes

    @cached_property
    def _read(self) -> Registered:
        return read_registrations(self.config.nodes_dir)

    def _check_readable(self, node: str) -> None:
        """Refuse a node with a bad registration; those of other nodes are no reason to."""
        for name in ("", node):
            if name in self._read.faults:
                raise self._read.faults[name]

    def known(self, node: str) -> Registration:
        """A registered node.

        Raises:
            FleetError: it is not registered.
            RegistrationError: its registration cannot be used.
        """
        self._check_readable(node)
        found = self.registrations.get(node)
        if found is None:
            raise FleetError(
                f"{node} is not registered", hint="`aggregator node list` shows those that are"
            )
        return found

    def active(self, node: str) -> Registration:
        """A registered node that is not retired.

        Raises:
            FleetError: it is not registered, or retired.
        """
        found = self.known(node)
        if found.retired_at is not None:
            raise FleetError(
                f"{node} was retired", hint="its name stays reserved: give a new node another one"
            )
        return found

    def to_add(self, node: str, role: NodeRole | None) -> Registration | None:
        """The registration of a node that is to be set up; None if there is none.

        Args:
            node: the node's name.
            role: the role that it is to have; None for the one it has.

        Raises:
            FleetError: the name is invalid, in use by a `[[repo]]`, or that of a retired node or of
                one with another role.
        """
        if not fields.is_node(node):
            raise FleetError(
                f"not the name of a node: {node}",
                hint="1 to 63 of a-z, 0-9 and -, beginning with a letter or digit: embedder-01",
            )
        for repo in self.config.repo:
            if repo.forge_id is None and node in {repo.node, repo.name}:
                raise FleetError(
                    f"{node} has a [[repo]] table in the configuration",
                    hint="a node is configured or registered, not both: remove the table first",
                )
        self._check_readable(node)
        known = self.active(node) if node in self.registrations else None
        if known is not None and known.repos and role not in {None, known.role}:
            raise FleetError(
                f"{node} is registered with the role {known.role}, and a node has one role",
                hint=f"give the {role} a name of its own",
            )
        return known

    def key(self, node: str, text: str, role: NodeRole) -> str:
        """Read a key for a node of a role, and check that it belongs to no other.

        Raises:
            FleetError: it belongs to another node, or is not one line.
            AllowedSignersError: it is not a key, or the allowed signers cannot be used.
        """
        line = read_key(text, node, role)
        check_owner(line, node, self.registrations, self.config.allowed_signers_file)
        return line

    def local_name(self, node: str, found: ForgeRepo) -> str:
        """The name in the configuration of a repo on the forge.

        Raises:
            FleetError: it is not named like one of the node's, or is registered for another.
        """
        known = self.registrations.get(node)
        for repo in () if known is None else known.repos:
            if agrees(repo.on_forge, found):
                return repo.name
        self.check_free(node, "", found)
        pattern = forge_config(self.config).pattern
        owner = node_repo(pattern, found.name)
        if owner is None or owner.node != node:
            raise FleetError(
                f"{found.name} is not named like a repo of {node}",
                hint=f"those are {forge_name(pattern, node)} and {forge_name(pattern, node)}.2027",
            )
        return owner.name

    def check_free(self, node: str, local: str, found: ForgeRepo) -> None:
        """Refuse a repo that is registered already, unless as this very one.

        Raises:
            FleetError: it is registered under another name or for another node.
        """
        for other in self.registrations.values():
            for repo in other.repos:
                if agrees(repo.on_forge, found) and (other.node, repo.name) != (node, local):
                    raise FleetError(f"{found.name} is registered as {repo.name} of {other.node}")

    def register(
        self, known: Registration, allow: Sequence[str] | None, name: str, repo: ForgeRepo
    ) -> Registration:
        """Let a repo bill for its node.

        Args:
            known: the node's registration, which may not be written yet.
            allow: patterns of what it may bill; None to leave them as they are.
            name: the repo's name in the configuration.
            repo: the repo on the forge.

        Raises:
            FleetError: a pattern is invalid.
            RegistrationError: the registration cannot be written.
        """
        entry = RegisteredRepo(
            name=name,
            forge_name=repo.name,
            forge_id=repo.id,
            created_at=repo.created_at,
            branch=BRANCH,
        )
        places = [each.name for each in known.repos]
        repos = list(known.repos)
        if name in places:
            repos[places.index(name)] = entry
        else:
            repos.append(entry)
        values = {
            "repos": tuple(repos),
            "allow": known.allow if allow is None else tuple(allow),
            "making": None,
        }
        try:  # `model_copy` checks nothing, and patterns come from the command line
            changed = Registration.model_validate(known.model_dump() | values)
        except ValidationError as error:
            faults = sentences(error, lambda place: ".".join(map(str, place)), _FORMS)
            raise FleetError("; ".join(faults)) from None
        return self.write(changed)

    def write(self, changed: Registration) -> Registration:
        """Write a registration if it has changed.

        Raises:
            FleetError: one of its repos is registered for another node.
            RegistrationError: it cannot be written.
        """
        others = [other for other in self.registrations.values() if other.node != changed.node]
        if (fault := Owners(others).conflict(changed)) is not None:
            raise FleetError(fault, hint="nothing was written; one repo carries one node's records")
        before = self.registrations.get(changed.node)
        is_new = before is None or not before.repos
        done = Done.UNCHANGED if changed == before else Done.MADE if is_new else Done.UPDATED
        if done != Done.UNCHANGED:
            write_registration(self.config.nodes_dir, changed)
            self.registrations[changed.node] = changed
        self.on_step(Step("registration", changed.node, done))
        return changed

    def write_mark(self, known: Registration, mark: str) -> Registration:
        """Write the mark of the repo that is made next, unless one is written already."""
        marked = known.model_copy(update={"making": known.making or mark})
        if self.registrations.get(known.node) != marked:
            write_registration(self.config.nodes_dir, marked)
            self.registrations[marked.node] = marked
        return marked

    def new(self, node: str, role: NodeRole, line: str, making: str | None = None) -> Registration:
        """The registration of a node with one key and no repo yet; it is not written."""
        key = RegisteredKey(line=line, added_at=self.now)
        return Registration(node=node, role=role, registered_at=self.now, key=(key,), making=making)


def forge_config(config: Config) -> ForgeConfig:
    """The `[forge]` table.

    Raises:
        FleetError: there is none.
    """
    if config.forge is None:
        raise FleetError("no forge is configured", hint=_FORGE_HINT)
    return config.forge


def hook_secret(config: Config) -> str | None:
    """The secret for the forge to sign webhooks with; None if no webhook is configured.

    Raises:
        FleetError: a webhook is configured, and nothing that could verify it.
        SecretFileError: the file cannot be used.
    """
    if forge_config(config).webhook_url is None:
        return None
    if config.listen is None or config.listen.webhook_secret_file is None:
        raise FleetError(
            "[forge] webhook_url is set, but nothing could verify what arrives there",
            hint="set [listen] webhook_secret_file, or leave webhook_url out",
        )
    return read_secret(config.listen.webhook_secret_file).decode()
