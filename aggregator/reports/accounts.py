"""What the aggregator answers, in the shapes of its `--json` contract.

Times are ISO 8601 in UTC, amounts whole nano-dollars with `_nano` in their key and a decimal string
with `_usd` beside the ones that people ask for. Keys are added, never renamed or removed.
"""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from aggregator.admission.batch import HeldReason, line_sha256
from aggregator.copies.schedule import copied_at
from aggregator.incidents.filing import IncidentKind
from aggregator.pulling.passes import PULLED_AT
from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.rating import ChargeState
from aggregator.store import answer_rows, repo_rows
from aggregator.store.charge_rows import STATES, RatedCharge, charges_of
from aggregator.store.connection import read_meta
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_hour, format_ts, from_us
from wire_format.money import format_usd
from wire_format.rule_book import MULTIPLIER_SCALE

Answer = dict[str, Any]
_MULTIPLIER_DECIMALS = 9


class NoAccountError(GitmeterError):
    """The ledger knows no such user."""


def balances(connection: sqlite3.Connection) -> list[Answer]:
    """The balance of every account."""
    as_of = read_meta(connection, PULLED_AT)
    return [_balance(row, as_of) for row in answer_rows.account_rows(connection)]


def balance(connection: sqlite3.Connection, user: str) -> Answer:
    """The balance of one account.

    Raises:
        NoAccountError: nothing was ever used or paid in that name.
    """
    return _balance(_account_row(connection, user), read_meta(connection, PULLED_AT))


def _balance(row: answer_rows.Row, as_of: str | None) -> Answer:
    credit_nano, billed_cost_nano = int(row["credit_nano"]), int(row["billed_cost_nano"])
    list_cost_nano = int(row["list_cost_nano"])
    last_hour, first_paid_us = row["last_active_hour"], row["first_paid_us"]
    return {
        "user": row["user"],
        "balance_nano": credit_nano - billed_cost_nano,
        "balance_usd": format_usd(credit_nano - billed_cost_nano),
        "credit_nano": credit_nano,
        "list_cost_nano": list_cost_nano,
        "discount_nano": list_cost_nano - billed_cost_nano,
        "billed_cost_nano": billed_cost_nano,
        "lifetime_paid_nano": int(row["lifetime_paid_nano"]),
        "first_paid_at": None if first_paid_us is None else format_ts(from_us(first_paid_us)),
        "last_active_at": None if last_hour is None else format_hour(last_hour),
        "discount_tier": row["discount_tier"],
        "as_of": as_of,
    }


def charges(
    connection: sqlite3.Connection,
    user: str,
    ladder: DiscountLadder,
    since_hour: int | None = None,
    until_hour: int | None = None,
) -> Iterator[Answer]:
    """The charges of one account by hour, from `since_hour` to before `until_hour`.

    Raises:
        NoAccountError: nothing was ever used or paid in that name.
    """
    account = answer_rows.account_of(_account_row(connection, user))
    for charge in charges_of(connection, account, since_hour, until_hour):
        yield charge_answer(charge, ladder)


def charge_answer(charge: RatedCharge, ladder: DiscountLadder) -> Answer:
    """One charge with the tier and the multiplier that applied."""
    row = charge.row
    discount = ladder.discount_at(charge.first_paid_us, row.hour, row.applies_to)
    return {
        "hour": format_hour(row.hour),
        "resource": charge.resource,
        "applies_to": row.applies_to,
        "quantity": row.quantity,
        "records": row.records,
        "tier": discount.tier,
        "multiplier": format_multiplier(discount.multiplier),
        "list_cost_nano": row.list_cost_nano,
        "discount_nano": row.list_cost_nano - row.billed_cost_nano,
        "billed_cost_nano": row.billed_cost_nano,
        "state": str(row.state),
    }


def format_multiplier(multiplier: int) -> str:
    """A multiplier as a decimal: `1`, `0.5`, `0.25`."""
    whole, rest = divmod(multiplier, MULTIPLIER_SCALE)
    fraction = f"{rest:0{_MULTIPLIER_DECIMALS}d}".rstrip("0")
    return f"{whole}.{fraction}" if fraction else str(whole)


def nodes(connection: sqlite3.Connection) -> list[Answer]:
    """Where every repo stands and what is known of its node's numbering."""
    copied = copied_at(connection)
    rows = answer_rows.repo_rows(connection)
    return [_node(connection, row) | {"copied_at": copied.get(row["name"])} for row in rows]


def _node(connection: sqlite3.Connection, row: answer_rows.Row) -> Answer:
    seen = repo_rows.read_seen(connection, row["node_id"])
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
        "last_commit_at": _at_s(row["committed_at_s"]),
        "records": row["records"],
        "duplicates": row["duplicates"],
        "held": row["held"],
        "rejected": row["rejected"],
        "highest_seq": seen.highest,
        "gaps": [{"first_seq": gap.first, "last_seq": gap.last} for gap in seen.gaps()],
        "epochs": epochs,
        # whoever starts an epoch claims it first: each one below the highest had a home of its own
        "unproved_tails": [{"first_epoch": 0, "last_epoch": epochs[-1] - 1}]
        if epochs and epochs[-1]
        else [],
        "open_incidents": row["incidents"],
    }


def held(connection: sqlite3.Connection) -> list[Answer]:
    """Well-formed lines that are not billed, with where and why."""
    repos = _only_repos(connection)
    return [
        {
            "node": row["node"],
            "reason": row["reason"],
            "meaning": HeldReason(row["reason"]).meaning,
            "advice": HeldReason(row["reason"]).advice,
            "seq": row["seq"],
            "ts": None if row["ts_us"] is None else format_ts(from_us(row["ts_us"])),
            "line_sha256": line_sha256(bytes(row["line"])),
            "repo": repos.get(row["node"]),
            **_place(row),
        }
        for row in answer_rows.held_rows(connection)
    ]


def rejects(connection: sqlite3.Connection) -> list[Answer]:
    """Lines and files that are not valid, with where and why."""
    repos = _only_repos(connection)
    return [
        {
            "node": row["node"],
            "code": row["code"],
            "reason": row["reason"],
            "repo": repos.get(row["node"]),
            **_place(row),
        }
        for row in answer_rows.reject_rows(connection)
    ]


def _only_repos(connection: sqlite3.Connection) -> dict[str, str]:
    """The repo of each node that has one alone: there its lines stand."""
    names: dict[str, list[str]] = {}
    for name, (node, _, _) in repo_rows.judged_by(connection).items():
        names.setdefault(node, []).append(name)
    return {node: found[0] for node, found in names.items() if len(found) == 1}


def _place(row: answer_rows.Row) -> Answer:
    return {
        "commit": row["commit_id"],
        "path": row["path"],
        "line_no": row["line_no"],
        "line": bytes(row["line"]).decode(errors="backslashreplace").removesuffix("\n"),
    }


def incidents(connection: sqlite3.Connection, *, closed: bool = False) -> list[Answer]:
    """Incidents with what to do about them."""
    return [
        {**row, "advice": IncidentKind(row["kind"]).advice}
        for row in answer_rows.incident_rows(connection, closed=closed)
    ]


def unrated(connection: sqlite3.Connection) -> dict[ChargeState, int]:
    """How many charges cost nothing because they have no price or overflow."""
    return {STATES[state]: n for state, n in answer_rows.states_of_charges(connection).items()}


def _account_row(connection: sqlite3.Connection, user: str) -> answer_rows.Row:
    row = answer_rows.account_row(connection, user)
    if row is None:
        raise NoAccountError(
            f"no account of {user!r}",
            hint="account ids are compared letter by letter; `aggregator balance` lists them all",
        )
    return row


def _at_s(seconds: int | None) -> str | None:
    return None if seconds is None else format_ts(datetime.fromtimestamp(seconds, UTC))
