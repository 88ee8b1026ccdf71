"""Tell an aggregator some facts, and find where its ledger differs from the naive reference."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aggregator.pulling.repo_pass import RepoReport
from cursors.position import HeadOutcome
from tests.support.deliveries import Delivery, land
from tests.support.ledger.world import World
from tests.support.reference import SUMS, Ledger

REASONS = {
    "repeated reference": "same_movement",
    "refund of no counted payment": "no_payment",
    "failed after it succeeded": "contradicts",
}
"""Why the reference holds a line, in the words of the product; others are the same in both."""

Places = Mapping[str, Sequence[str]]
"""For each node and each of its commits, in which of its repos that one is made."""


def tell(world: World, delivery: Delivery, places: Places | None = None) -> list[RepoReport]:
    """Land and pull everything, in the delivery's order, each pull by a new process."""
    places = places or {name: [name] * len(all_) for name, all_ in delivery.histories.items()}
    for node, names in places.items():
        for name in {node, *names}:
            world.repo(name, node=node)
    landed: Counter[str] = Counter()
    found: list[RepoReport] = []
    for one in delivery.rounds:
        for node in one.lands:
            number = landed[node]
            land(world.repo(places[node][number]), delivery.histories[node][number])
            landed[node] += 1
        for node in one.pulls:
            for name in dict.fromkeys([*places[node], node]):
                found.extend(world.pull(name).values())
    return found


def mismatches(world: World, expected: Ledger) -> list[str]:
    """Where the ledger differs from the reference, or is not at rest; nothing when all is well."""
    return [
        *_differences("charge", dict(_charges(world)), expected.charges),
        *_differences("account", dict(_accounts(world)), _with_zeros(world, expected)),
        *_differences(
            "held", _held(world), {k: REASONS.get(v, v) for k, v in expected.held.items()}
        ),
        *_uncounted(world),
        *_unrest(world),
    ]


def used_since(world: World) -> dict[tuple[str, str], int]:
    """By user and node the time of the first commit with usage, as the ledger has it."""
    with world.reading() as store:
        rows = store.digests.account_nodes()
        return {(str(user), str(node)): int(str(at_s)) for user, node, at_s in rows}


def told_since(delivery: Delivery) -> dict[tuple[str, str], int]:
    """The same, as the commits of a delivery say it; every line of them is one of its node."""
    found: dict[tuple[str, str], int] = {}
    for node, commits in delivery.histories.items():
        for commit in commits:
            at_s = int(commit.when.timestamp())
            for path, content in commit.files.items():
                for line in (content or b"").splitlines() if path.startswith("usage/") else ():
                    key = json.loads(line)["user"], node
                    found[key] = min(at_s, found.get(key, at_s))
    return found


def digest_from_git(world: World) -> str:
    """The digest, on which a rebuild, `verify` and a ledger made anew from the mirrors agree."""
    digest = world.digest()
    assert world.rebuilt_digest() == digest
    assert world.verify().matches
    world.forget()
    world.pull()
    assert world.digest() == digest
    return digest


def _differences(what: str, ours: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> Iterator[str]:
    for key in {*ours, *theirs}:
        if ours.get(key) != theirs.get(key):
            yield f"{what} {key}: {ours.get(key)}, the reference has {theirs.get(key)}"


def _users(world: World) -> list[str]:
    from aggregator.reports import accounts

    with world.reading() as store:
        return [row["user"] for row in accounts.balances(store, world.now)]


def _charges(world: World) -> Iterator[tuple[tuple[str, ...], tuple[object, ...]]]:
    values = ("quantity", "records", "state", "list_cost_nano", "billed_cost_nano")
    for user in _users(world):
        for row in world.charges(user):
            key = (row["hour"], user, row["resource"], row["applies_to"])
            yield key, tuple(row[name] for name in values)


def _accounts(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    for user in _users(world):
        row = world.balance(user)
        yield user, {name: row[name] for name in ("first_paid_at", *SUMS)}


def _with_zeros(world: World, expected: Ledger) -> dict[str, dict[str, Any]]:
    """The reference has no account of a user with nothing but pending or held money."""
    nothing = {"first_paid_at": None, **dict.fromkeys(SUMS, 0)}
    return {**dict.fromkeys(_users(world), nothing), **expected.accounts}


def _held(world: World) -> dict[bytes, str]:
    return {row["line"].encode() + b"\n": row["reason"] for row in world.held()}


def _uncounted(world: World) -> Iterator[str]:
    """What is said of usage that is not billed in full is what its charges say."""
    per_group: Counter[tuple[str, str, str]] = Counter()
    for user in _users(world):
        rows = [row for row in world.charges(user) if row["state"] != "rated"]
        per_group.update((row["state"], row["resource"], row["applies_to"]) for row in rows)
        if world.balance(user)["unrated_charges"] != len(rows):
            yield f"unrated charges of {user}: {world.balance(user)['unrated_charges']}"
    with world.reading() as store:
        groups = store.unrated.groups()
        by_state = {str(state): count for state, count in store.unrated.charges_by_state().items()}
    found = {(str(g.state), g.resource, g.applies_to): g.charges for g in groups}
    if found != per_group or sum(by_state.values()) != per_group.total():
        yield f"unrated: {found}, {by_state}, the charges say {per_group}"
    names = {"unpriced usage": "unpriced", "category mismatch": "category_mismatch"}
    told = {
        (names.get(row["kind"], row["kind"]), row["subject"])
        for row in world.incidents()
        if row["kind"] in {*names, "overflow"}
    }
    expected = {(state, f"{name} ({category})") for state, name, category in per_group}
    if told != expected:
        yield f"incidents: {told ^ expected}"


def _unrest(world: World) -> Iterator[str]:
    """Another pull finds nothing to do, because every cursor is on its head."""
    for report in world.pull().values():
        idle = {HeadOutcome.UNCHANGED, HeadOutcome.EMPTY}
        if report.outcome not in idle or report.commits or report.incident:
            yield f"not at rest: {report}"
