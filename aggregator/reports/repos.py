"""Repos: how far each is billed, what of it was not billed, and its incidents."""

from collections.abc import Iterator

from aggregator.copies.noted import copied_at
from aggregator.incidents.advice import advice
from aggregator.incidents.kinds import ABOUT_CHARGES, IncidentKind
from aggregator.incidents.unrated import detail_of
from aggregator.reports.basis import Answer
from aggregator.reports.unrated import group_answer, groups_by_incident
from aggregator.store.questions import reports
from aggregator.store.questions.unrated import UnratedGroup
from aggregator.store.store import LedgerStore
from gitmeter.counting.held import line_sha256
from gitmeter.money.reasons import reason_of
from wire_format.instants import format_seconds, format_ts, from_us


def nodes(store: LedgerStore) -> list[Answer]:
    """List every repo with its cursor and head, and the seqs of its node."""
    copied = copied_at(store)
    rows = store.reports.repos()
    return [_node(store, row) | {"copied_at": copied.get(row["name"])} for row in rows]


def _node(store: LedgerStore, row: reports.Row) -> Answer:
    seen = store.lines.seen(row["node_id"])
    epochs = seen.epochs()
    return {
        "node": row["node"],
        "repo": row["name"],
        "role": row["role"],
        "outcome": row["outcome"],
        "cursor": row["cursor"],
        "head": row["head"],
        "behind": row["behind"],
        "checked_at": row["checked_at"],
        "last_commit_at": None
        if row["committed_at_s"] is None
        else format_seconds(row["committed_at_s"]),
        "records": row["records"],
        "duplicates": row["duplicates"],
        "held": row["held"],
        "rejected": row["rejected"],
        "highest_seq": seen.highest,
        "gaps": [{"first_seq": gap.first, "last_seq": gap.last} for gap in seen.gaps()],
        "epochs": epochs,
        # an epoch is claimed before its first seq, so each one below the highest had its own home,
        # and nothing proves that everything recorded in that home was pushed
        "unproved_tails": [{"first_epoch": 0, "last_epoch": epochs[-1] - 1}]
        if epochs and epochs[-1]
        else [],
        "open_incidents": row["incidents"],
    }


def held(store: LedgerStore) -> Iterator[Answer]:
    """Yield held lines, each with its place and reason."""
    repos = _only_repos(store)
    for row in store.reports.held():
        reason = reason_of(row["reason"])
        yield {
            "node": row["node"],
            "reason": row["reason"],
            "meaning": reason.meaning,
            "advice": reason.advice,
            "seq": row["seq"],
            "ts": None if row["ts_us"] is None else format_ts(from_us(row["ts_us"])),
            "line_sha256": row["line_sha256"] or line_sha256(bytes(row["line"])),
            "repo": repos.get(row["node"]),
            **_place(row),
        }


def rejects(store: LedgerStore) -> Iterator[Answer]:
    """Yield rejected lines and files, each with its place and reason."""
    repos = _only_repos(store)
    for row in store.reports.rejects():
        yield {
            "node": row["node"],
            "code": row["code"],
            "reason": row["reason"],
            "repo": repos.get(row["node"]),
            **_place(row),
        }


def _only_repos(store: LedgerStore) -> dict[str, str]:
    """The repo of each node that has only one; its lines must be in that."""
    names: dict[str, list[str]] = {}
    for name, judged_by in store.repos.judged_by().items():
        names.setdefault(judged_by.node, []).append(name)
    return {node: found[0] for node, found in names.items() if len(found) == 1}


def _place(row: reports.Row) -> Answer:
    return {
        "commit": row["commit_id"],
        "path": row["path"],
        "line_no": row["line_no"],
        "line": bytes(row["line"]).decode(errors="backslashreplace").removesuffix("\n"),
    }


def incidents(store: LedgerStore, *, closed: bool = False) -> list[Answer]:
    """List open incidents, or all with `closed`, each with advice on what to do."""
    with store.view():
        rows = store.reports.incidents(closed=closed)
        is_needed = any(row["kind"] in ABOUT_CHARGES and not row["closed_at"] for row in rows)
        groups = groups_by_incident(store) if is_needed else {}
    return [_incident(row, groups.get((row["kind"], row["subject"]))) for row in rows]


def _incident(row: reports.Row, group: UnratedGroup | None) -> Answer:
    """An incident; one about charges counts them as they are now, not as they were at first."""
    is_now = group is not None and not row["closed_at"]
    return {
        **row,
        "detail": detail_of(group) if group and is_now else row["detail"],
        "advice": advice(IncidentKind(row["kind"]), row["role"]),
        "unrated": group_answer(group) if group and is_now else None,
    }
