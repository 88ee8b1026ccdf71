"""What must hold after every step, whatever went wrong in it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.proof.rebuild import scratch_ledger
from aggregator.proof.verify import verify
from aggregator.rating.rating import Rater
from aggregator.reports import accounts as reports
from aggregator.reports import repos
from aggregator.store.store import LedgerStore
from tests.simulation.aggregator_site import AggregatorSite, tips_in
from tests.simulation.expected import Expected, expect, missing_numbers
from tests.simulation.site import Site
from tests.support.reference import SUMS


def of_site(site: Site) -> Iterator[str]:
    """Nothing acknowledged is missing, and nothing is there that nobody sent."""
    there = site.lines_safe()
    for line in site.witness.missing(there):
        yield f"{site.name}: acknowledged, and gone: {line.decode().strip()}"
    for wrong in site.witness.strangers(there - site.repo.forged):
        yield f"{site.name}: {wrong}"


def of_ledger(aggregator: AggregatorSite) -> Iterator[str]:
    """The ledger at its cursors is the reference's over what git holds up to there."""
    with aggregator.reading() as store:
        if store is None:
            return
        expected = expect(aggregator.repos, tips_in(store), aggregator.skew)
        yield from _money(store, expected, aggregator.clock())
        yield from _filed(store, expected)
        for repo in aggregator.repos:
            for tip in tips_in(store).get(repo.name, ()):
                if edits := repo.unaccepted_edits(tip):
                    yield f"{repo.name}: stands on {edits} edits that nobody accepted"


def _money(store: LedgerStore, expected: Expected, now: datetime) -> Iterator[str]:
    users = [row["user"] for row in reports.balances(store, now)]
    ladder = Rater(rule_book_in_force(store)).ladder
    charges = {
        (row["hour"], user, row["resource"], row["applies_to"]): (
            row["quantity"],
            row["records"],
            row["state"],
            row["list_cost_nano"],
            row["billed_cost_nano"],
        )
        for user in users
        for row in reports.charges(store, user, ladder)
    }
    yield from _differences("charge", charges, expected.ledger.charges)
    names = ("first_paid_at", *SUMS)
    accounts = {
        user: {name: row[name] for name in names}
        for user in users
        for row in (reports.balance(store, user, now),)
    }
    nothing: dict[str, Any] = {"first_paid_at": None, **dict.fromkeys(SUMS, 0)}
    quiet = dict.fromkeys(users, nothing)
    yield from _differences("account", accounts, quiet | expected.ledger.accounts)


def _filed(store: LedgerStore, expected: Expected) -> Iterator[str]:
    held = {(row["node"], row["line"].encode() + b"\n", row["reason"]) for row in repos.held(store)}
    for wrong in sorted(held ^ expected.held):
        yield f"held {'only in the ledger' if wrong in held else 'only in the reference'}: {wrong}"
    rejected: dict[str, int] = {}
    for row in repos.rejects(store):
        rejected[row["node"]] = rejected.get(row["node"], 0) + 1
    yield from _differences("rejects", rejected, {k: n for k, n in expected.rejected.items() if n})
    for row in repos.nodes(store):
        named = {seq for gap in row["gaps"] for seq in range(gap["first_seq"], gap["last_seq"] + 1)}
        missing = missing_numbers(expected.seen[row["node"]])
        if named != missing:
            yield f"{row['node']}: gaps {sorted(named)}, but {sorted(missing)} are missing"


def _differences(what: str, ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> Iterator[str]:
    for key in sorted({*ours, *theirs}):
        if ours.get(key) != theirs.get(key):
            yield f"{what} {key}: {ours.get(key)}, the reference has {theirs.get(key)}"


def of_verify(aggregator: AggregatorSite, now: datetime) -> Iterator[str]:
    """`verify` agrees with the database."""
    with aggregator.reading() as store:
        if store is not None:
            found = verify(State(aggregator.config), store, now, lambda *_: None, 5)
            if not found.matches:
                yield f"verify: {found.differences} {found.broken_references}"


def digest_of(aggregator: AggregatorSite) -> str:
    """The digest of the database."""
    with aggregator.reading() as store:
        return "" if store is None else digest(store)


def rebuilt_digest(aggregator: AggregatorSite, now: datetime) -> str:
    """The digest of a ledger made again from the accepted tips."""
    state = State(aggregator.config)
    with scratch_ledger(state, state.mirrors.accepted_tips(), now) as store:
        return digest(store)
