"""What answers about money stand on: how far usage was read, and whose may be missing."""

from collections.abc import Container
from typing import Any

from aggregator.incidents.kinds import IncidentKind
from aggregator.store.account_node_rows import AccountNode
from aggregator.store.store import PULLED_AT, TESTS_COUNT, LedgerStore
from wire_format.instants import format_seconds

Answer = dict[str, Any]


def stands_on(store: LedgerStore, account_id: int | None = None) -> Answer:
    """Return what answers stand on.

    Args:
        store: the ledger.
        account_id: the one account that the answer is about; None for all.

    Returns:
        `as_of`: when the last pull of all repos ended, or None if that is not known;
        `billed_until`: the time of the newest commit that was billed, or None before the first;
        `silent_nodes`: nodes that pushed nothing for longer than expected, so more may follow;
        `tests_count`: whether money of providers' test accounts is in them.

        About one account also `nodes`: the nodes that wrote usage of it, each with the time of its
        first commit that has any and of its newest commit that was billed;
        `nodes_billed_until`: the time of the newest commit of theirs, or None without a node;
        `waiting_for`: those of them of which more may follow, each with why: it is `silent`, it has
        `commits behind` that were fetched and are not billed, or `gaps` in its numbers.
    """
    newest_s = store.reports.newest_commit_s()
    silent = store.reports.nodes_with(IncidentKind.SILENT)
    return {
        "as_of": store.fact(PULLED_AT),
        "billed_until": None if newest_s is None else format_seconds(newest_s),
        "silent_nodes": silent,
        "tests_count": store.fact(TESTS_COUNT) is not None,
        **({} if account_id is None else _nodes_of(store, account_id, {*silent})),
    }


def _nodes_of(store: LedgerStore, account_id: int, silent: Container[str]) -> Answer:
    """Return what the usage of one account stands on."""
    nodes = store.account_nodes.of_account(account_id)
    newest_s = max((each.newest_commit_s for each in nodes), default=None)
    return {
        "nodes": [
            {
                "node": each.node,
                "first_commit_at": format_seconds(each.first_commit_s),
                "newest_commit_at": format_seconds(each.newest_commit_s),
            }
            for each in nodes
        ],
        "nodes_billed_until": None if newest_s is None else format_seconds(newest_s),
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
