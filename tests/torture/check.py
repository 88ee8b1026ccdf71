"""Whether all is well in the end: what the clients know against what is billed.

Each function returns a sentence for everything that is wrong.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tests.support.reference import Ledger, reckon
from tests.torture.journal import Journal
from tests.torture.place import BOOKS, LADDERS, NODES, PRICES, REPOS, Place

SHOWN_MAX: Final = 20
_TOTALS: Final = ("balance_nano", "lifetime_paid_nano", "list_cost_nano", "billed_cost_nano")


class Delivered(NamedTuple):
    """What the forge holds in the end.

    Attributes:
        usage, money: the lines of each repo of that kind, as often as they stand there.
    """

    usage: dict[str, list[bytes]]
    money: list[bytes]


def delivered(place: Place) -> Delivered:
    """Every line on the remotes."""
    return Delivered(
        {node: _lines(place, node, "usage/") for node in NODES},
        _lines(place, BOOKS, "payments/"),
    )


def _lines(place: Place, repo: str, below: str) -> list[bytes]:
    remote = place.remote(repo)
    tip = remote.tip()
    files = {} if tip is None else remote.files(tip)
    data = b"".join(data for path, data in sorted(files.items()) if path.startswith(below))
    return data.splitlines(keepends=True)


def wrong_usage(journal: Journal, found: Delivered) -> Iterator[str]:
    """Uses that are missing, there twice, or not as they were sent."""
    times: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for node, lines in found.usage.items():
        for line in lines:
            values = json.loads(line)
            times[values["meta"]["n"]].append(values)
            if values["node"] != node:
                yield f"{node} holds a line of {values['node']}"
    for number in times.keys() - journal.uses.keys():
        yield f"nobody sent use {number}"
    for use in journal.uses.values():
        rows = times[use.number]
        how = f"use {use.number} of {use.node} (sent {use.tries} times)"
        if use.acknowledged and not rows:
            yield f"{how} was acknowledged and is nowhere"
        if len(rows) > 1:
            yield f"{how} is there {len(rows)} times: seq {[row['seq'] for row in rows]}"
        for row in rows:
            sent = use.values | {"node": use.node}
            if any(row.get(key, "hero_os_hourly") != value for key, value in sent.items()):
                yield f"{how} was sent as {use.values} and stands there as {row}"


def wrong_money(journal: Journal, found: Delivered) -> Iterator[str]:
    """Payments that are missing or there twice."""
    times: dict[str, int] = defaultdict(int)
    for line in found.money:
        times[json.loads(line)["external_ref"]] += 1
    for reference in times.keys() - journal.payments.keys():
        yield f"nobody recorded payment {reference}"
    for payment in journal.payments.values():
        if payment.acknowledged and times[payment.reference] != 1:
            yield (
                f"payment {payment.reference} (recorded {payment.tries} times) was acknowledged and"
                f" is there {times[payment.reference]} times"
            )


def wrong_numbers(found: Delivered) -> Iterator[str]:
    """Sequence numbers that are missing or given twice."""
    for repo, lines in {**found.usage, BOOKS: found.money}.items():
        numbers = sorted(json.loads(line)["seq"] for line in lines)
        if numbers != list(range(1, len(numbers) + 1)):
            twice = sorted({seq for seq in numbers if numbers.count(seq) > 1})
            missing = sorted(set(range(1, max(numbers) + 1)) - set(numbers))
            yield f"{repo}: seq given twice {twice}, missing {missing}"


def wrong_ledger(place: Place, found: Delivered) -> Iterator[str]:
    """What the aggregator says, against the reference over the lines on the remotes."""
    usage = {line for lines in found.usage.values() for line in lines}
    expected = reckon(usage, set(found.money), PRICES, LADDERS)
    yield from _wrong_accounts(place, expected)
    yield from _wrong_charges(place, expected)
    for question in ("held", "rejects", "incidents"):
        for row in _ask(place, question):
            yield f"aggregator {question}: {row}"
    for row in _ask(place, "nodes"):
        if row["gaps"] or row["behind"] or row["duplicates"] or row["epochs"] not in ([], [0]):
            yield f"aggregator nodes: {row}"
    answer = place.runner.run(place.aggregator("verify", "--json"))
    if answer.code != 0 or not json.loads(answer.out)["matches"]:
        yield f"aggregator verify: {answer.out}{answer.err}"


def _wrong_accounts(place: Place, expected: Ledger) -> Iterator[str]:
    accounts = {row["user"]: row for row in _ask(place, "balance")}
    if accounts.keys() != expected.accounts.keys():
        yield f"accounts {sorted(accounts)}, and {sorted(expected.accounts)} in the reference"
    for user, totals in expected.accounts.items():
        row = accounts.get(user, {})
        for key in _TOTALS:
            if row.get(key) != totals[key]:
                yield f"{user}: {key} is {row.get(key)}, and {totals[key]} in the reference"


def _wrong_charges(place: Place, expected: Ledger) -> Iterator[str]:
    charges = {
        (row["hour"], user, row["resource"], row["applies_to"]): (
            *(row["quantity"], row["records"], row["state"]),
            *(row["list_cost_nano"], row["billed_cost_nano"]),
        )
        for user in expected.accounts
        for row in _ask(place, "charges", user)
    }
    for key in sorted(charges.keys() | expected.charges.keys()):
        ours, theirs = charges.get(key), expected.charges.get(key)
        if ours != theirs:
            yield f"charge {key} is {ours}, and {theirs} in the reference"


def _ask(place: Place, *question: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = json.loads(place.must(place.aggregator(*question, "--json")).out)
    return answer


def everything_wrong(place: Place, journal: Journal, found: Delivered) -> list[str]:
    """All of it, in the order in which a person should look at it."""
    return [
        *journal.problems,
        *wrong_usage(journal, found),
        *wrong_money(journal, found),
        *wrong_numbers(found),
        *wrong_ledger(place, found),
        *(f"{repo} was never pushed" for repo in REPOS if place.remote(repo).tip() is None),
    ]
