"""What answers about money stand on: how far usage was read, and whose may be missing."""

from datetime import UTC, datetime
from typing import Any

from aggregator.incidents.kinds import IncidentKind
from aggregator.store.account_node_rows import AccountNode
from aggregator.store.store import PULLED_AT, TESTS_COUNT, LedgerStore
from wire_format.instants import format_ts

Answer = dict[str, Any]


def stands_on(store: LedgerStore) -> Answer:
    """Return what all balances stand on.

    Returns:
        `as_of`: when the last pull of all repos ended, or None if that is not known;
        `billed_until`: the time of the newest commit that was billed, or None before the first;
        `silent_nodes`: nodes that pushed nothing for longer than expected, so more may follow;
        `tests_count`: whether money of providers' test accounts is in them.
    """
    newest_s = store.reports.newest_commit_s()
    return {
        "as_of": store.fact(PULLED_AT),
        "billed_until": None if newest_s is None else _at_s(newest_s),
        "silent_nodes": store.reports.nodes_with(IncidentKind.SILENT),
        "tests_count": store.fact(TESTS_COUNT) is not None,
    }


def usage_stands_on(store: LedgerStore, account_id: int) -> Answer:
    """Return what the usage of one account stands on.

    Returns:
        `nodes`: the nodes that wrote usage of it, each with the time of its first commit that has
        any and of its newest commit that was billed;
        `nodes_billed_until`: the time of the newest commit of theirs, or None without a node;
        `waiting_for`: those of them of which more may follow, each with why: it is `silent`, it has
        `commits behind` that were fetched and are not billed, or `gaps` in its numbers.
    """
    nodes = store.account_nodes.of_account(account_id)
    silent = set(store.reports.nodes_with(IncidentKind.SILENT)) if nodes else set()
    newest_s = max((each.newest_commit_s for each in nodes), default=None)
    return {
        "nodes": [
            {
                "node": each.node,
                "first_commit_at": _at_s(each.first_commit_s),
                "newest_commit_at": _at_s(each.newest_commit_s),
            }
            for each in nodes
        ],
        "nodes_billed_until": None if newest_s is None else _at_s(newest_s),
        "waiting_for": [
            {"node": each.node, "why": why}
            for each in nodes
            if (why := _why_more(store, each, is_silent=each.node in silent))
        ],
    }


def _why_more(store: LedgerStore, node: AccountNode, *, is_silent: bool) -> list[str]:
    """Why more usage of a node may follow."""
    found = {
        "silent": is_silent,
        "commits behind": node.is_behind,
        "gaps": store.lines.has_gap(node.node_id),
    }
    return [why for why, applies in found.items() if applies]


def _at_s(seconds: int) -> str:
    return format_ts(datetime.fromtimestamp(seconds, UTC))
