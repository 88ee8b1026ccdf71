"""How the repos on the forge should be: by the registrations, and by `[[repo]]` tables. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from aggregator.config.place import forge_path, is_at, web_host
from aggregator.config.registration import RegisteredRepo, Registration
from aggregator.config.repos import RepoConfig
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.reading import Reading
from aggregator.forge.interface import Inspected
from aggregator.forge.people import Team
from gitmeter.signing.allowed_signers import AllowedSigners
from gitmeter.support.terminal import pasted


class Expected(NamedTuple):
    """A repo as it should be.

    Attributes:
        name: its name in the configuration.
        forge_name: its name on the forge.
        forge_id: the forge's number for it; None if it is known by its name alone.
        branch: the branch that is billed.
        keys: the keys that may push to it, one line each; None if they are not known.
        closed_keys: keys that could push once.
        is_newest: whether pushes are expected: it may not be archived or lack a key.
        is_over: whether it should be archived.
        fix: the command that corrects most differences.
        accept: the command that confirms a new name, without the name; empty if there is none.
        adopt: the command that continues in another repo; empty if there is none.
        close: the command that removes closed keys, and of a repo that is known by its name alone
            all unknown ones.
    """

    name: str
    forge_name: str
    forge_id: int | None
    branch: str
    keys: tuple[str, ...] | None
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
        inspected: what lets someone in or out of it.
        teams: the teams that may write to it.
        reading: what git can see of it.
    """

    inspected: Inspected
    teams: tuple[Team, ...]
    reading: Reading


def name_on_forge(repo: RepoConfig, forge: ForgeConfig) -> str | None:
    """The name of a `[[repo]]` table's repo in the organisation, in lower case.

    Whatever protocol its address is for: over ssh a forge often has another host name, which is
    therefore not compared.

    Returns:
        None if the address names no repo of the organisation.
    """
    path = forge_path(repo.url)
    if path is None or not is_at(repo.url, path, {web_host(forge.url) or ""}):
        return None
    org, _, name = path.partition("/")
    return name if org == forge.org.lower() else None


def expected_tables(config: Config, forge: ForgeConfig, signers: AllowedSigners) -> list[Expected]:
    """The repos of `[[repo]]` tables that are in the organisation, and how they should be.

    The keys that may sign for a repo are those that may push to it.
    """
    return [
        expected_table(repo, name, signers)
        for repo in config.repo
        if repo.forge_id is None and (name := name_on_forge(repo, forge)) is not None
    ]


def expected_table(repo: RepoConfig, name: str, signers: AllowedSigners) -> Expected:
    """How the repo of a `[[repo]]` table should be.

    Args:
        repo: the table.
        name: the repo's name on the forge.
        signers: the keys that may sign.
    """
    own = [e for e in signers.entries if repo.node in e.principals.split(",")]
    keys = tuple(entry.key.line for entry in own if entry.valid_before is None)
    return Expected(
        repo.name,
        name,
        None,
        repo.branch,
        keys=None if repo.allow_unsigned and not keys else keys,
        closed_keys=tuple(entry.key.line for entry in own if entry.valid_before is not None),
        fix=f"aggregator forge add {repo.name}",
        close=f"aggregator forge add {repo.name}",
    )


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
