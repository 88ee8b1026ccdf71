"""The status of a home, and its commits in a form for people."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.own_key import own_key
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.commit import spans_of
from node_pusher.spool.store import Store
from wire_format.commit_message import stated_trailer
from wire_format.fields import epoch_of
from wire_format.instants import format_ts, from_us

_TOTAL: Final = re.compile(r"(\S.*?)\s{2,}(-?[0-9.]+) in ([0-9]+) records?")


def status(home: Home) -> dict[str, Any]:
    """The status of a home, as `status --json` prints it."""
    with repo_errors(home.repo.path):
        repo = LedgerRepo(home.repo)
        waiting = repo.waiting()
    with Store.open(home.spool_file, home.node) as store:
        state = store.state()
        in_spool, not_committed = store.count(), store.count(spans_of(waiting))
    pushed_us = state.last_push_us
    return {
        "node": home.node,
        "remote": home.repo.remote.url,
        "branch": home.repo.branch,
        "epoch": epoch_of(state.next_seq),
        "next_seq": state.next_seq,
        "records_in_spool": in_spool,
        "records_not_committed": not_committed,
        "records_in_waiting_commits": sum(i.summary.records for i in waiting if i.summary),
        "commits_waiting": len(waiting),
        "head": repo.tip,
        "last_push_at": None if pushed_us is None else format_ts(from_us(pushed_us)),
        "signing_key": _fingerprint(home),
        "earlier_repos": [
            {
                "remote": each.remote.url,
                "branch": each.branch,
                "folder": str(each.path),
            }
            for each in reversed(home.earlier_repos)
        ],
    }


def _fingerprint(home: Home) -> str | None:
    """The fingerprint of the key that signs here; None before there is a key."""
    try:
        return own_key(home.path, home.node).fingerprint
    except HomeError:
        return None


def log(home: Home, count: int | None, *, earlier: bool = False) -> Iterator[dict[str, Any]]:
    """The commits of a home, newest first, as its `log --json` prints them.

    Args:
        home: the home.
        count: how many; None for all.
        earlier: include those of its earlier repos.
    """
    repos = home.repos if earlier else [home.repo]
    return islice((entry for each in repos for entry in _entries(each)), count)


def _entries(source: HomeRepo) -> Iterator[dict[str, Any]]:
    with repo_errors(source.path):
        repo = LedgerRepo(source)
        waiting = {info.commit for info in repo.waiting()}
        for info in repo.history():
            yield _entry(info, source.remote.url, pushed=info.commit not in waiting)


def _entry(info: CommitInfo, url: str, *, pushed: bool) -> dict[str, Any]:
    found = info.summary
    return {
        "remote": url,
        "commit": info.commit,
        "committed_at": format_ts(info.committed_at),
        "pushed": pushed,
        "subject": info.message.partition("\n")[0],
        "by": stated_trailer(info.message, "By"),
        "reason": stated_trailer(info.message, "Reason"),
        "first_seq": None if found is None else found.first_seq,
        "last_seq": None if found is None else found.last_seq,
        "records": 0 if found is None else found.records,
        "first_ts": None if found is None else format_ts(found.first_ts),
        "last_ts": None if found is None else format_ts(found.last_ts),
        "totals": [
            {"name": match[1], "amount": match[2], "records": int(match[3])}
            for match in map(_TOTAL.fullmatch, info.message.splitlines())
            if match is not None
        ],
    }
