"""What the forge's list of repos means for the registered ones. Pure.

Which repo is a registered one is decided by `identity`; `[[repo]]` tables are found by their place.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from aggregator.config.naming import ForgeIdentity, node_repo
from aggregator.config.place import forge_path, is_at, web_host
from aggregator.config.repos import RepoConfig
from aggregator.fleet.identity import Found, FoundAs, Listed
from aggregator.forge.interface import ForgeRepo, Listing

SETTLED: Final = timedelta(seconds=2)
"""A change time has whole seconds: only one older than this covers every change so far."""

_ALONE: Final = 1
_SHARE: Final = 20
"""A list that lacks more than one repo and more than a twentieth of them is not believed."""


class Findings(NamedTuple):
    """What a listing says, by the name of each repo in the configuration; values are sentences.

    Attributes:
        changed_at: when each registered repo changed last; None if it may have changed again within
            the same second.
        pending: repos that are named like a node's and that no registration names, by their name
            on the forge.
        vanished: registered repos that are not listed, except those of retired nodes.
        renamed: registered repos that have another name on the forge now.
        recreated: registered repos for which another repo has their name now.
        public: registered repos, and those of `[[repo]]` tables, that everyone may read.
        lost_at_once: the repos missing since the previous listing, if these are too many to be
            true: then nothing in the listing is believed. Otherwise empty.
        listed: the forge's numbers of the registered repos that are listed.
    """

    changed_at: dict[str, datetime | None]
    pending: dict[str, str]
    vanished: dict[str, str]
    renamed: dict[str, str]
    recreated: dict[str, str]
    public: dict[str, str]
    lost_at_once: tuple[str, ...]
    listed: frozenset[int]


def judge_listing(
    listing: Listing,
    repos: Iterable[RepoConfig],
    pattern: str,
    listed_before: frozenset[int] = frozenset(),
) -> Findings:
    """Compare a listing with what is registered.

    Args:
        listing: all repos of the organisation.
        repos: the repos of the configuration; those without a number of the forge are not looked
            for, but are not pending either.
        pattern: how repos of nodes are named, such as `billing-{node}`.
        listed_before: `listed` of the last listing that was believed; empty before the first.
    """
    listed = Listed(listing.repos)
    registered: dict[int, RepoConfig] = {}
    names: set[str] = set()
    tables: defaultdict[str, list[RepoConfig]] = defaultdict(list)
    ours: set[int] = set()
    found = Findings({}, {}, {}, {}, {}, {}, (), frozenset())
    for repo in repos:
        on_forge = repo.on_forge
        if on_forge is None:
            tables[(forge_path(repo.url) or "").rpartition("/")[2]].append(repo)
            continue
        registered[on_forge.number] = repo
        names.add(on_forge.name.lower())
        there = listed.find(on_forge)
        _judge(repo, on_forge, there, found)
        if there.standing in {FoundAs.OURS, FoundAs.RENAMED} and there.repo is not None:
            ours.add(there.repo.id)
            changed_at = there.repo.updated_at
            is_settled = changed_at < listing.at - SETTLED
            found.changed_at[repo.name] = changed_at if is_settled else None
        if there.repo is not None and not there.repo.private:
            found.public[repo.name] = _public(there.repo)
    for other in listing.repos:
        name = other.name.lower()
        own = [table.name for table in tables.get(name, ()) if _is_of(table, other)]
        if not other.private:
            found.public.update(dict.fromkeys(own, _public(other)))
        if own or other.id in ours or name in names:
            continue
        owner = node_repo(pattern, other.name)
        if owner is not None and not other.archived:
            found.pending[other.name] = f"{other.name} is named like a repo of node {owner.node}"
    present = {n: repo.name for n, repo in registered.items() if n in listed_before}
    expected = {n: name for n, name in present.items() if not registered[n].is_retired}
    gone = tuple(sorted(name for n, name in expected.items() if n not in ours))
    too_many = len(gone) > _ALONE and len(gone) * _SHARE > len(expected)
    return found._replace(lost_at_once=gone if too_many else (), listed=frozenset(ours))


def _judge(repo: RepoConfig, on_forge: ForgeIdentity, there: Found, found: Findings) -> None:
    name, number = on_forge.name, on_forge.number
    if there.namesake is not None:
        where = f"is named {there.repo.name}" if there.repo else "is gone"
        where = "is another repo" if there.is_number_reused else where
        found.recreated[repo.name] = (
            f"{name} is number {there.namesake.id} on the forge now; number {number}, which was"
            f" registered, {where}"
        )
    elif there.standing is FoundAs.RENUMBERED and there.repo is not None:
        found.recreated[repo.name] = f"{name} is number {there.repo.id} on the forge, not {number}"
    elif there.repo is None:
        if not repo.is_retired:
            reused = ", and its number is that of another repo" if there.is_number_reused else ""
            found.vanished[repo.name] = f"{name} (number {number}) is not listed{reused}"
    elif there.repo.name.lower() != name.lower():
        found.renamed[repo.name] = f"{name} is named {there.repo.name} on the forge now"


def _is_of(table: RepoConfig, repo: ForgeRepo) -> bool:
    """Whether a `[[repo]]` table is about a repo."""
    path = forge_path(repo.clone_url)
    return path is not None and is_at(table.url, path, {web_host(repo.clone_url) or ""})


def _public(repo: ForgeRepo) -> str:
    return f"{repo.name} is public on the forge: everyone may read it"
