"""How the repos on the forge should be: by the registrations, and by `[[repo]]` tables. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from aggregator.config.registration import RegisteredRepo, Registration
from aggregator.forge.interface import DeployKey, Hook, Protection
from aggregator.forge.people import Collaborator, Team
from gitmeter.support.terminal import pasted


class Expected(NamedTuple):
    """A repo as it should be.

    Attributes:
        name: its name in the configuration.
        forge_name: its name on the forge.
        forge_id: the forge's number for it; None if it is known by its name alone.
        branch: the branch that is billed.
        keys: the keys that may push to it, one line each.
        closed_keys: keys that could push once.
        is_newest: whether pushes are expected: it may not be archived or lack a key.
        is_over: whether it should be archived.
        fix: the command that corrects most differences.
        accept: the command that confirms a new name, without the name; empty if there is none.
        adopt: the command that continues in another repo; empty if there is none.
        close: the command that removes closed keys; empty if there is none.
    """

    name: str
    forge_name: str
    forge_id: int | None
    branch: str
    keys: tuple[str, ...]
    closed_keys: tuple[str, ...] = ()
    is_newest: bool = True
    is_over: bool = False
    fix: str = ""
    accept: str = ""
    adopt: str = ""
    close: str = ""


class Details(NamedTuple):
    """What the forge reports about one repo besides its entry in the list.

    Attributes:
        keys: its deploy keys.
        rules: its rules for branches.
        collaborators: the users with a right to it alone.
        teams: the teams that may write to it.
        hooks: its own webhooks.
        other_refs: some of the refs that it has besides the branch that is billed.
        unreadable: why git cannot read it; empty if it can.
    """

    keys: tuple[DeployKey, ...]
    rules: tuple[Protection, ...]
    collaborators: tuple[Collaborator, ...] = ()
    teams: tuple[Team, ...] = ()
    hooks: tuple[Hook, ...] = ()
    other_refs: tuple[str, ...] = ()
    unreadable: str = ""


def expected_repos(node: Registration) -> Iterator[tuple[RegisteredRepo, Expected]]:
    """Each repo of a registered node, and how it should be."""
    for entry in node.repos:
        is_over = bool(node.retired_at or entry.closed_at)
        option = "" if node.retired_at else f" --repo {entry.name}"
        retire = f"aggregator node retire {node.node}{option}"
        yield (
            entry,
            Expected(
                entry.name,
                entry.forge_name,
                entry.forge_id,
                entry.branch,
                keys=tuple(key.line for key in node.open_keys()),
                closed_keys=tuple(key.line for key in node.keys if key.closed_at is not None),
                is_newest=entry == node.repos[-1],
                is_over=is_over,
                fix=retire if is_over else f"aggregator node add {node.node}",
                accept=pasted("aggregator", "node", "accept", node.node, "--repo"),
                adopt=f"aggregator node add {node.node} --adopt",
                close=f"aggregator node rotate-key {node.node} --close",
            ),
        )
