"""Nodes that pushed nothing for longer than expected.

A node is judged by the date of the newest applied commit with records in any of its repos, so a
node with a held repo or a lagging clock is silent too; a commit that is dated in the future says
nothing about when the node was heard. The incident closes by itself when records
arrive. An unused node has nothing to push and is silent as well; therefore `silent_after_s` can be
set for each repo, and 0 means never. Money does not come by the hour: tills and desks are watched
only where their own repo states `silent_after_s`, and the books never.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.incidents.kinds import IncidentKind
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore
from gitmeter.roles.role import FACES_STRANGERS
from wire_format.instants import format_ts

NEVER: Final = 0


class WatchedRepo(NamedTuple):
    """A repo from which records are expected.

    Attributes:
        name: the repo's name.
        node: the node that writes it.
        silent_after_s: how long it may be silent; `NEVER` for no limit.
        heard_at: date of its newest applied commit with records; None if there is none.
        registered_at: since when records are expected; None if that is not known.
    """

    name: str
    node: str
    silent_after_s: int
    heard_at: datetime | None
    registered_at: datetime | None


def silent_repos(repos: Iterable[WatchedRepo], now: datetime) -> dict[str, str]:
    """Find the silent nodes.

    A node with several repos is judged by its newest commit and by the shortest limit of any of
    them, and is represented by the repo that has that commit. A node with neither a commit nor a
    time of registration is not judged.

    Args:
        repos: the repos that are watched and not retired.
        now: the time to judge by.

    Returns:
        A sentence about each silent node, by the name of the repo that represents it.
    """
    nodes: defaultdict[str, list[WatchedRepo]] = defaultdict(list)
    for repo in repos:
        nodes[repo.node].append(repo)
    silent: dict[str, str] = {}
    for own in nodes.values():
        limits_s = [repo.silent_after_s for repo in own if repo.silent_after_s != NEVER]
        # max takes the first of equals, so that adding a repo to a silent node changes nothing
        newest = max(own, key=lambda repo: (repo.heard_at is not None, repo.heard_at or now))
        since = _expected_since(own)
        if limits_s and since is not None and now - since > timedelta(seconds=min(limits_s)):
            silent[newest.name] = _sentence(newest.heard_at, since, min(limits_s))
    return silent


def _expected_since(own: Iterable[WatchedRepo]) -> datetime | None:
    known = [at for repo in own for at in (repo.heard_at, repo.registered_at) if at is not None]
    return max(known, default=None)


def _sentence(heard_at: datetime | None, since: datetime, limit_s: int) -> str:
    if heard_at is None:
        return f"no records since it was registered at {format_ts(since)}; expected in {limit_s} s"
    return f"no records since {format_ts(heard_at)}; expected every {limit_s} s"


def file_silence(store: LedgerStore, config: Config, now: datetime) -> Mapping[str, str]:
    """Open and close the incidents of silent nodes, inside the caller's write transaction.

    Returns:
        A sentence about each silent node, by the name of the repo that represents it.
    """
    until = now + timedelta(seconds=config.skew_s)
    known = store.notices.newest_commits(int(until.timestamp()))
    watched = [
        WatchedRepo(
            repo.name,
            repo.node,
            _limit_s(repo, config),
            _instant(known[repo.name].committed_at_s),
            repo.registered_at,
        )
        for repo in config.repo
        if repo.role != "books" and not repo.is_retired and repo.name in known
    ]
    silent = silent_repos(watched, now)
    found: dict[About, str] = {(known[name].repo_id, ""): detail for name, detail in silent.items()}
    store.incidents.file_all(IncidentKind.SILENT, found, now)
    return silent


def _limit_s(repo: RepoConfig, config: Config) -> int:
    if repo.silent_after_s is not None:
        return repo.silent_after_s
    return NEVER if repo.role in FACES_STRANGERS else config.silent_after_s


def _instant(at_s: int | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
