"""Takes over what the forge calls registered repos after it was moved, restored or copied.

Names stay and numbers and times do not, so that nothing but the history proves which repo is which.
Nothing is billed again: cursors are commits.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from aggregator.config.nodes_dir import parse_registrations, write_registration
from aggregator.config.registration import RegisteredRepo, Registration
from aggregator.config.settings import Config
from aggregator.fleet.history import Histories, Kind
from aggregator.fleet.identity import FoundAs, Listed
from aggregator.fleet.node_keys import FleetError
from aggregator.forge.interface import Forge, ForgeRepo


class Outcome(StrEnum):
    """What becomes of one registered repo."""

    UNCHANGED = "unchanged"
    TAKEN_OVER = "taken over"
    MISSING = "missing"
    NOT_PROVEN = "not proven"


class MovedRepo(NamedTuple):
    """One registered repo.

    Attributes:
        node, name: the node and the repo's name in the configuration.
        outcome: what becomes of it.
        detail: why, in words.
        repo: the repo on the forge; None where there is none of its name.
        is_in_use: whether the node pushes to it now.
        role: what the node pushes.
    """

    node: str
    name: str
    outcome: Outcome
    detail: str
    repo: ForgeRepo | None
    is_in_use: bool
    role: str = "usage"


def move(forge: Forge, config: Config, *, dry_run: bool) -> tuple[MovedRepo, ...]:
    """Compare every registered repo with the one of its name, and write what is proven.

    Retired nodes and earlier repos are included: their last usage may be unbilled. All is checked
    before anything is written; what was interrupted is finished by the same call.

    Args:
        forge: the forge that the configuration names now.
        config: the configuration.
        dry_run: write nothing.

    Raises:
        ForgeError: the forge does not list its repos, or does not answer.
        FleetError: two nodes would have one repo; nothing was written.
        RegistrationError: a registration cannot be read or written.
    """
    registered = parse_registrations(config.nodes_dir)
    listed, histories = Listed(forge.list_repos().repos), Histories(forge, config)
    moves = [
        MovedRepo(node, "", Outcome.NOT_PROVEN, str(error), None, is_in_use=False)
        for node, error in registered.faults.items()
    ]
    changed: list[Registration] = []
    owners: dict[int, str] = {}
    for node in registered.nodes.values():
        own = list(_moves(node, listed, histories))
        moves += own
        taken = {each.name: each.repo for each in own if each.outcome is Outcome.TAKEN_OVER}
        _check_owners(node.node, taken.values(), owners)
        after = _taken_over(node, taken)
        if after != node:
            changed.append(after)
    if not dry_run:
        for after in changed:
            write_registration(config.nodes_dir, after)
    return tuple(moves)


def _check_owners(node: str, repos: Iterable[ForgeRepo | None], owners: dict[int, str]) -> None:
    for repo in repos:
        if repo is not None and owners.setdefault(repo.id, node) != node:
            raise FleetError(
                f"{repo.name} would be a repo of {owners[repo.id]} and of {node}; nothing was"
                " written",
                hint="both registrations have that name: correct one of the files in nodes.d",
            )


def _moves(node: Registration, listed: Listed, histories: Histories) -> Iterator[MovedRepo]:
    for entry in node.repos:
        in_use = entry == node.repos[-1] and node.retired_at is None and entry.closed_at is None
        outcome, detail, repo = _judge(entry, listed, histories)
        yield MovedRepo(node.node, entry.name, outcome, detail, repo, in_use, node.role)


def _judge(
    entry: RegisteredRepo, listed: Listed, histories: Histories
) -> tuple[Outcome, str, ForgeRepo | None]:
    found = listed.find(entry.on_forge)
    if found.standing is FoundAs.OURS and entry.created_at is not None:
        return Outcome.UNCHANGED, "number, time and name agree", found.repo
    repo = listed.named(entry.forge_name)
    if repo is None and found.repo is not None:
        return Outcome.MISSING, f"{entry.forge_name} is named {found.repo.name} now", None
    if repo is None:
        return Outcome.MISSING, f"the forge has no {entry.forge_name}", None
    history = histories.look(entry.name, repo, entry.branch)
    if history.kind is Kind.BILLED or (history.kind is Kind.OLDER and not repo.empty):
        return Outcome.TAKEN_OVER, history.sentence, repo
    is_it = found.standing in {FoundAs.OURS, FoundAs.RENUMBERED}
    if history.kind is Kind.NOTHING_BILLED and is_it:
        return Outcome.TAKEN_OVER, "its name and its number or time agree", repo
    return Outcome.NOT_PROVEN, history.sentence, repo


def _taken_over(node: Registration, taken: dict[str, ForgeRepo | None]) -> Registration:
    repos = tuple(
        entry
        if (repo := taken.get(entry.name)) is None
        else entry.model_copy(
            update={"forge_name": repo.name, "forge_id": repo.id, "created_at": repo.created_at}
        )
        for entry in node.repos
    )
    return node.model_copy(update={"repos": repos})
