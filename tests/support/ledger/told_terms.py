"""What a ledger says of accounts at instants, as the answer to a case states it."""

from datetime import datetime
from typing import Any

from aggregator.balances.funds import CurrentFunds
from aggregator.reports.accounts import NoAccountError
from aggregator.reports.terms.entitlements import entitlements
from aggregator.reports.terms.grants import account_terms
from aggregator.store.store import LedgerStore
from tests.support.charged_case import grant_answer, users_of
from tests.support.ledger.world import World
from tests.support.money_cases import Case
from wire_format.instants import parse_ts

PARTS = ("pool", "uncovered", "balance", "grants", "breakage", "plan")

_NOTHING: dict[str, Any] = {
    "pool": 0,
    "uncovered": 0,
    "balance": 0,
    "grants": [],
    "breakage": {"promotional": 0, "paid": 0, "voided": 0},
}


def told_terms(world: World, case: Case) -> dict[str, dict[str, dict[str, Any]]]:
    """By part, user and instant what the ledger says; a user that it does not know has nothing."""
    found: dict[str, dict[str, dict[str, Any]]] = {part: {} for part in PARTS}
    with world.reading() as store:
        for user in users_of(case):
            for at in case["ask"]:
                for part, value in terms_at(store, user, parse_ts(at)).items():
                    found[part].setdefault(user, {})[at] = value
    return found


def terms_at(store: LedgerStore, user: str, at: datetime) -> dict[str, Any]:
    """What a ledger says of one account at an instant, by part."""
    try:
        found = account_terms(store, user, at, at)
    except NoAccountError:
        return _NOTHING
    return {
        "pool": found.funds.pool_nano,
        "uncovered": found.funds.uncovered_nano,
        "balance": found.funds.balance_nano,
        "grants": list(map(grant_answer, found.grants)),
        "breakage": found.breakage._asdict(),
        "plan": _plan(entitlements(store, user, at, at)["plan"]),
    }


def _plan(answer: dict[str, Any] | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    names = ("used", "included", "left")
    return {
        **{name: answer[name] for name in ("plan", "cycle_start", "cycle_end")},
        "meters": {row["meter"]: {name: row[name] for name in names} for row in answer["meters"]},
    }


def is_told_now_as_at(world: World, at: datetime) -> bool:
    """Whether what is told from sums is what is told from charges and lines, after all of them."""
    with world.reading() as store, store.view():
        current = CurrentFunds(store, at)
        return all(
            current.of(row) == account_terms(store, row["user"], at, at).funds
            for row in list(store.reports.accounts())
        )
