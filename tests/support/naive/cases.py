"""Small, mean random cases in the form of the worked cases, without `expect`."""

import random
from typing import Any

from tests.support.naive.basics import HOUR, written
from tests.support.naive.making.accounts import NaiveAccountLines
from tests.support.naive.making.book import RESOURCES, random_rules
from tests.support.naive.making.money import NaiveMoney
from tests.support.naive.making.spools import BORDER, NaiveSpools

USERS = ("alice", "bob", "carol", "dave")


def random_case(rng: random.Random) -> dict[str, Any]:
    """A case of a few users around a month border, its parts switched on at random."""
    users = list(USERS[: rng.randint(2, 4)])
    rules = random_rules(rng, users)
    spools = NaiveSpools(rng)
    _tell_usage(rng, spools, users)
    money = NaiveMoney(rng, spools, users)
    money.tell_payments()
    if rng.random() < 0.5:
        money.tell_attempts()
    accounts = NaiveAccountLines(rng, spools, rules["plans"])
    if rng.random() < 0.7:
        money.tell_takes()
    if rng.random() < 0.5:
        money.tell_adjustments()
    if rng.random() < 0.8:
        money.tell_grants(rules["writers"]["grants"])
        money.tell_voids()
    for user in users:
        if rng.random() < 0.8:
            accounts.tell_plans(user)
        if rng.random() < 0.4:
            accounts.tell_others(user)
    if rng.random() < 0.4:
        _tell_decisions(rng, spools)
    commits, lines = spools.lines()
    rng.shuffle(lines)
    return {
        "note": "random",
        "rules": rules,
        "commits": commits,
        "lines": lines,
        "ask": sorted({_asked(rng) for _ in range(rng.randint(3, 5))}),
    }


def _asked(rng: random.Random) -> str:
    hour = BORDER + rng.randint(-55, 65) * HOUR
    return written(hour + rng.choice([0, 0, 0, 1, 1800]))


def _tell_usage(rng: random.Random, spools: NaiveSpools, users: list[str]) -> None:
    """Usage in a few hours, so that series meet, with corrections that leave something."""
    nodes = [f"n{number}" for number in range(1, rng.randint(2, 4))]
    resources = rng.choices(rng.sample(RESOURCES, rng.randint(3, 5)), k=4)
    categories = rng.choice([("vm",), ("llm",), ("vm", "llm", "llm")])
    hours = [rng.randint(-55, 60) for _ in range(rng.randint(3, 9))]
    for _ in range(rng.randint(10, 60)):
        node = rng.choice(nodes)
        ts = BORDER + rng.choice(hours) * HOUR + rng.choice([0, 0, 1, 1799, 3599])
        quantity = rng.choice([1, 1, 2, 3, 5, 8])
        fields = {
            "type": "usage",
            "user": rng.choice(users),
            "resource": rng.choice(resources),
            "applies_to": rng.choice(categories),
            "quantity": quantity,
        }
        first = spools.tell(node, ts, fields)
        if rng.random() < 0.12:
            more = rng.choice([1, 2, 1 - quantity]) or 1
            spools.tell(node, ts, fields | {"quantity": more}, {"corrects": first})


def _tell_decisions(rng: random.Random, spools: NaiveSpools) -> None:
    """Exclusions, some withdrawn again, reconciliations, and now and then a tip."""
    why = {"type": "decision", "v": 1, "by": "ada", "reason": "checked"}
    for other in [told for told in spools.told if told.role == "till"]:
        if rng.random() < 0.3:
            fields = why | {"kind": "reconciled", "of": other.writer}
            points = {"from_seq": other, "to_seq": other}
            spools.tell("books", other.ts + 3 * HOUR, fields, points, tip=other)
    desks_and_tills = [told for told in spools.told if told.role in {"till", "desk"}]
    if desks_and_tills and rng.random() < 0.3:
        other = rng.choice(desks_and_tills)
        fields = why | {"kind": rng.choice(["seen", "only"]), "of": other.writer}
        spools.tell("books", other.commit_ts + 25 * HOUR, fields, tip=other)
    for other in rng.sample(spools.told, min(2, len(spools.told))):
        if other.role == "usage":
            continue
        exclude = why | {"kind": "exclude", "of": other.writer}
        ts = spools.instant()
        decision = spools.tell("books", ts, exclude, {"of_seq": other})
        if rng.random() < 0.3:
            withdraw = why | {"kind": "withdraw"}
            spools.tell("books", ts + 60, withdraw, {"refers_to": decision})
