"""The registered nodes while one of them is being changed: what is allowed, and what is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from pydantic import ValidationError

from aggregator.config.naming import forge_name, node_repo
from aggregator.config.nodes_dir import load_registrations, write_registration
from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration
from aggregator.config.repos import ALLOW_PATTERN
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.node_keys import FleetError, check_owner, read_key
from aggregator.fleet.repo_setup import BRANCH, Done, OnStep, Step
from aggregator.forge.interface import ForgeRepo
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

    @cached_property
    def registrations(self) -> dict[str, Registration]:
        """All registrations by node, as first read, with what was written since."""
        return load_registrations(self.config.nodes_dir)

    def known(self, node: str) -> Registration:
        """A registered node.

        Raises:
            FleetError: it is not registered.
        """
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

    def to_add(self, node: str) -> Registration | None:
        """The registration of a node that is to be set up; None if there is none.

        Raises:
            FleetError: the name is invalid, in use by a `[[repo]]`, or that of a retired node.
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
        return self.active(node) if node in self.registrations else None

    def key(self, node: str, text: str) -> str:
        """Read a key for a node, and check that it belongs to no other.

        Raises:
            FleetError: it belongs to another node, or is not one line.
            AllowedSignersError: it is not a key, or the allowed signers cannot be used.
        """
        line = read_key(text, node)
        check_owner(line, node, self.registrations, self.config.allowed_signers_file)
        return line

    def local_name(self, node: str, found: ForgeRepo) -> str:
        """The name in the configuration of a repo on the forge.

        Raises:
            FleetError: it is not named like one of the node's, or is registered for another.
        """
        for other in self.registrations.values():
            for repo in other.repos:
                if repo.forge_id == found.id and other.node == node:
                    return repo.name
                if repo.forge_id == found.id:
                    raise FleetError(f"{found.name} is registered as {repo.name} of {other.node}")
        pattern = forge_config(self.config).pattern
        owner = node_repo(pattern, found.name)
        if owner is None or owner.node != node:
            raise FleetError(
                f"{found.name} is not named like a repo of {node}",
                hint=f"those are {forge_name(pattern, node)} and {forge_name(pattern, node)}.2027",
            )
        return owner.name

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
        entry = RegisteredRepo(name=name, forge_id=repo.id, url=repo.clone_url, branch=BRANCH)
        places = [each.name for each in known.repos]
        repos = list(known.repos)
        if name in places:
            repos[places.index(name)] = entry
        else:
            repos.append(entry)
        values = {
            "repos": tuple(repos),
            "allow": known.allow if allow is None else tuple(allow),
        }
        try:  # `model_copy` checks nothing, and patterns come from the command line
            changed = Registration.model_validate(known.model_dump() | values)
        except ValidationError as error:
            faults = sentences(error, lambda place: ".".join(map(str, place)), _FORMS)
            raise FleetError("; ".join(faults)) from None
        return self.write(changed)

    def write(self, changed: Registration) -> Registration:
        """Write a registration if it has changed."""
        before = self.registrations.get(changed.node)
        done = Done.UNCHANGED if changed == before else Done.UPDATED if before else Done.MADE
        if done != Done.UNCHANGED:
            write_registration(self.config.nodes_dir, changed)
            self.registrations[changed.node] = changed
        self.on_step(Step("registration", changed.node, done))
        return changed

    def new(self, node: str, line: str) -> Registration:
        """The registration of a node with one key and no repo yet; it is not written."""
        key = RegisteredKey(line=line, added_at=self.now)
        return Registration(node=node, registered_at=self.now, key=(key,))


def forge_config(config: Config) -> ForgeConfig:
    """The `[forge]` table.

    Raises:
        FleetError: there is none.
    """
    if config.forge is None:
        raise FleetError("no forge is configured", hint=_FORGE_HINT)
    return config.forge
