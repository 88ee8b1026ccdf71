"""What must hold after every step, whatever went wrong in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import to_builtins

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.proof.rebuild import scratch_ledger
from aggregator.proof.verify import verify
from aggregator.rating.rating import Rater
from aggregator.reports import accounts as reports
from aggregator.reports import repos
from aggregator.store.questions.reports import account_of
from aggregator.store.store import LedgerStore
from gitmeter.money.accounts import account_at
from gitmeter.money.granted import Granted
from tests.simulation.aggregator_site import AggregatorSite, tips_in
from tests.simulation.expected import Expected, expect, missing_numbers
from tests.simulation.reckoned import Charge, Reckoned
from tests.simulation.site import Site
from tests.support.ledger.told_terms import PARTS, terms_at
from wire_format.explanation import canonical
from wire_format.fields import APPLIES_TO
from wire_format.instants import HOUR_S, format_hour, format_ts, to_us
from wire_format.lines import Folder

_SUMS: Final = (
    *("first_paid_at", "list_cost_nano", "billed_cost_nano", "lifetime_paid_nano"),
    *("credit_nano", "granted_nano", "balance_nano"),
)
_UNPRICED: Final = frozenset({"unpriced", "category_mismatch"})


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
        now = aggregator.clock()
        expected = expect(aggregator.repos, tips_in(store), aggregator.skew, now)
        yield from _money(store, expected.reckoned, now)
        yield from _terms(store, expected.reckoned, now)
        yield from _filed(store, expected)
        for repo in aggregator.repos:
            for tip in tips_in(store).get(repo.name, ()):
                if edits := repo.unaccepted_edits(tip):
                    yield f"{repo.name}: stands on {edits} edits that nobody accepted"


def of_instants(aggregator: AggregatorSite, instants: Sequence[datetime]) -> Iterator[str]:
    """What the ledger says of earlier instants is what the reference says of them."""
    with aggregator.reading() as store:
        if store is None:
            return
        now = aggregator.clock()
        expected = expect(aggregator.repos, tips_in(store), aggregator.skew, now, instants)
        answer = expected.reckoned.answer
        for user in expected.reckoned.accounts:
            for at in instants:
                ours = terms_at(store, user, at)
                theirs = {part: answer[part][user][format_ts(at)] for part in PARTS}
                yield from _differences(f"at {at} {user}", ours, theirs)


def _money(store: LedgerStore, expected: Reckoned, now: datetime) -> Iterator[str]:
    users = [row["user"] for row in reports.balances(store, now)]
    ladder = Rater(rule_book_in_force(store)).ladder
    counted = {
        (format_hour(hour), user, resource, APPLIES_TO[number]): (int(included), int(before))
        for user, resource, number, hour, included, before in _rows(store.digests.counted())
    }
    charges = {}
    for user in users:
        for row in reports.charges(store, user, ladder):
            key = (row["hour"], user, row["resource"], row["applies_to"])
            included, before = counted.get(key, (0, 0))
            charges[key] = Charge(
                row["quantity"],
                row["records"],
                row["state"],
                row["list_cost_nano"],
                row["billed_cost_nano"],
                included,
                None if row["state"] in _UNPRICED else before,
            )
    yield from _differences("charge", charges, expected.charges)
    accounts = {
        user: {name: row[name] for name in _SUMS}
        for user in users
        for row in (reports.balance(store, user, now),)
    }
    nothing: dict[str, Any] = {**dict.fromkeys(_SUMS, 0), "first_paid_at": None}
    quiet = dict.fromkeys(users, nothing)
    yield from _differences("account", accounts, quiet | expected.accounts)


def _terms(store: LedgerStore, expected: Reckoned, now: datetime) -> Iterator[str]:
    """Which grants and plan lines count, what grants paid, and what is settled besides."""
    drawn = {
        (user, format_hour(hour), resource, APPLIES_TO[number], grant, nano)
        for user, hour, resource, number, grant, nano in _rows(store.digests.drawn())
    }
    for wrong in sorted(drawn ^ expected.drawn):
        yield f"drawn only in the {'ledger' if wrong in drawn else 'reference'}: {wrong}"
    grants: dict[str, set[tuple[object, ...]]] = {}
    plans: dict[str, list[bytes]] = {}
    settled: dict[str, tuple[dict[str, Any], bool]] = {}
    for account in map(account_of, list(store.reports.accounts())):
        grants[account.user] = set(map(_known_grant, account.grants))
        plans[account.user] = [canonical(to_builtins(x), Folder.ACCOUNTS) for x in account.plans]
        found = account_at(store.reports.about_account(account.id), to_us(now))
        settled[account.user] = dict(found.settings), found.is_suspended
    yield from _differences("grants", _some(grants), _some(expected.grants))
    yield from _differences("plans", _some(plans), _some(expected.plans))
    said = {user: what for user, what in expected.settled.items() if user in settled}
    yield from _differences("settled", settled, dict.fromkeys(settled, ({}, False)) | said)


def _known_grant(grant: Granted) -> tuple[object, ...]:
    until, void = grant.until_hour, grant.void_hour
    return (
        grant.name,
        grant.amount_nano,
        grant.category,
        grant.priority,
        grant.from_hour * HOUR_S,
        None if until is None else until * HOUR_S,
        grant.scope,
        None if void is None else void * HOUR_S,
    )


def _some(found: Mapping[str, Any]) -> dict[str, Any]:
    return {user: what for user, what in found.items() if what}


def _rows(rows: Iterable[list[object]]) -> Iterator[list[Any]]:
    yield from rows


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
