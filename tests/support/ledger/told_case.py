"""A case about money, told to an aggregator: real commits in real repos, pulled in any order."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from aggregator.rating.rating import STATES
from aggregator.store.questions.reports import account_of
from gitmeter.money.granted import Granted
from gitmeter.money.reasons import WAITING
from tests.support.case_rules import rule_files
from tests.support.charged_case import UNPRICED
from tests.support.ledger.world import World
from tests.support.memory import MEMORY
from tests.support.money_cases import FOLDERS, Case, line_of
from wire_format.explanation import canonical
from wire_format.fields import APPLIES_TO
from wire_format.instants import format_hour
from wire_format.lines import Account, Folder

AFTER = datetime(2027, 1, 1, tzinfo=UTC)

OFTEN = (1 / 3, 1 / 8, 1 / 16)
"""What is pulled after a third of the commits comes in small parts, otherwise among much else."""


@contextmanager
def world_of(case: Case) -> Iterator[World]:
    """A new aggregator for a case, on which test accounts count if they do in the case."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield World(Path(folder), test=bool(case["rules"].get("test")))


def tell(
    world: World,
    case: Case,
    chance: Random,
    rules_before: Mapping[str, Any] | None = None,
    often: float | None = None,
) -> None:
    """Commit a case in the order of its commits' times, and pull some repos now and then.

    Args:
        world: the aggregator.
        case: the case.
        chance: decides what is pulled when.
        rules_before: the rules until some commit; None for those of the case.
        often: how often something is pulled after a commit; None for one of `OFTEN`.
    """
    repos = sorted({text["repo"] for text in case["lines"]})
    often = often or chance.choice(OFTEN)
    told = committing(world, {**case, "rules": rules_before or case["rules"]})
    for _ in told:
        if chance.random() < often:
            world.pull(*chance.sample(repos, chance.randint(1, len(repos))))
        if rules_before is not None and chance.random() < 1 / 5:
            world.repo("books").commit(rule_files(case["rules"]))
            rules_before = None
    if rules_before is not None:
        world.repo("books").commit(rule_files(case["rules"]))
    world.pull()


def committing(world: World, case: Case) -> Iterator[str]:
    """Commit a case in the order of its commits' times; yields the name of each that was made."""
    world.now = AFTER
    hashes: dict[str, str] = {}
    by_commit: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for text in case["lines"]:
        by_commit[text["commit"]].append(text)
    roles = {text["repo"]: (text["node"], text["role"]) for text in case["lines"]}
    rules = world.repo("books")
    rules.commit(rule_files(case["rules"]))
    for name in _in_order(case):
        repo = name.rpartition(".")[0]
        node, role = roles[repo]
        writer = world.repo(repo, node=node, role=role)
        files: dict[Folder, list[bytes]] = defaultdict(list)
        for text in by_commit[name]:
            folder = FOLDERS[text["type"]]
            line = usage_line_of(text) if folder is Folder.USAGE else line_of(text, hashes)
            files[folder].append(line)
        number = len(hashes) + 1
        paths = {
            f"{folder}/2026/11/01/{number:016d}.jsonl": b"".join(dict.fromkeys(lines))
            for folder, lines in files.items()
        }
        parent = case["commits"][name]["parent"]
        above = None if repo == "books" else () if parent is None else (hashes[parent],)
        when = datetime.fromisoformat(case["commits"][name]["ts"])
        hashes[name] = writer.commit(paths, when=when, parents=above)
        yield name


def _in_order(case: Case) -> list[str]:
    """Commits with those before that they build on or name, otherwise as they were told."""
    needs = {name: [commit["parent"]] for name, commit in case["commits"].items()}
    for text in case["lines"]:
        needs[text["commit"]].append(text.get("tip"))
    ordered: dict[str, None] = {}

    def put(name: str | None) -> None:
        if name is not None and name not in ordered:
            for needed in needs[name]:
                put(needed)
            ordered[name] = None

    for name in case["commits"]:
        put(name)
    return list(ordered)


def usage_line_of(text: Mapping[str, Any]) -> bytes:
    """The bytes of a usage line of a case."""
    names = ("node", "seq", "ts", "user", "resource", "applies_to", "corrects")
    values = {"v": 1, "units": text["quantity"], **{n: text[n] for n in names if n in text}}
    if "corrects" in text:
        values["reason"] = "a wrong count"
    return canonical(values, Folder.USAGE)


def charges(world: World) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The charges with a price and those without one, as the answer to a case states them."""
    with world.reading() as store:
        rows = list(store.digests.charges())
        counts = {tuple(row[:4]): row[4:] for row in store.digests.counted()}
    priced, unpriced = [], []
    for hour, user, resource, number, quantity, _, state, list_nano, billed_nano in rows:
        included, before = counts.get((user, resource, number, hour), ("0", "0"))
        charge = {
            "user": user,
            "hour": format_hour(int(str(hour))),
            "resource": resource,
            "applies_to": APPLIES_TO[int(str(number))],
            "quantity": int(str(quantity)),
            "included": int(str(included)),
        }
        if STATES[int(str(state))] in UNPRICED:
            unpriced.append(charge)
            continue
        costs = {"list_nano": list_nano, "billed_nano": billed_nano}
        priced.append(charge | {"before": int(str(before))} | costs)
    return sorted(priced, key=_charge_order), sorted(unpriced, key=_charge_order)


def _charge_order(charge: Mapping[str, Any]) -> tuple[str, ...]:
    return charge["user"], charge["hour"], charge["resource"], charge["applies_to"]


def outcome(world: World) -> dict[str, Any]:
    """What counts, what waits and what users have, as the ledger says."""
    with world.reading() as store:
        lines = list(store.payments.lines(None, 0, 2**62))
        users = {line.record.user for line in lines if line.record.user}
        pool = {str(row[0]): int(str(row[1])) for row in store.digests.balances()}
    states = [(f"{line.node}:{line.record.seq}", line.state) for line in lines]
    return {
        "counts": {name for name, state in states if state == "counted"},
        "waits": {name for name, state in states if state in WAITING},
        "pool": {user: pool[user] for user in users},
    }


Terms = dict[str, tuple[tuple[Account, ...], tuple[Granted, ...]]]


def terms(world: World) -> Terms:
    """By user the plan lines and the grants with terms that count, as the ledger says."""
    with world.reading() as store:
        found = map(account_of, store.reports.accounts())
        return {account.user: (account.plans, account.grants) for account in found}
