"""A case about money, told to an aggregator: real commits in real repos, pulled in any order."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.support.ledger.world import World
from tests.support.money_cases import Case, line_of, writers_toml

AFTER = datetime(2027, 1, 1, tzinfo=UTC)
_FOLDERS = {"payment": "payments", "account": "accounts", "decision": "decisions", "usage": "usage"}


def tell(world: World, case: Case, chance: Random) -> None:
    """Commit a case in the order of its commits' times, and pull some repos now and then."""
    repos = sorted({text["repo"] for text in case["lines"]})
    for _ in committing(world, case):
        if chance.random() < 1 / 3:
            world.pull(*chance.sample(repos, chance.randint(1, len(repos))))
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
    rules.commit({"rules/writers.toml": writers_toml(case["rules"]["writers"]).encode()})
    for name in _in_order(case["commits"]):
        repo = name.rpartition(".")[0]
        node, role = roles[repo]
        writer = world.repo(repo, node=node, role=role)
        files: dict[str, list[bytes]] = defaultdict(list)
        for text in by_commit[name]:
            folder = _FOLDERS[text["type"]]
            files[folder].append(line_of(text, hashes))
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


def _in_order(commits: Mapping[str, Any]) -> list[str]:
    """Commits with those before that they build on, otherwise as they were told."""
    ordered: list[str] = []
    for name in commits:
        path: list[str] = []
        at: str | None = name
        while at is not None and at not in ordered:
            path.append(at)
            at = commits[at]["parent"]
        ordered += reversed(path)
    return ordered


def outcome(world: World) -> dict[str, Any]:
    """What counts, what waits and what users have, as the ledger says."""
    with world.reading() as store:
        lines = list(store.payments.lines(None, 0, 2**62))
        users = {line.record.user for line in lines if line.record.user}
        pool = {user: world.balance(user)["credit_nano"] for user in users}
    states = [(f"{line.node}:{line.record.seq}", line.state) for line in lines]
    return {
        "counts": {name for name, state in states if state == "counted"},
        "waits": {name for name, state in states if state == "unconfirmed"},
        "pool": pool,
    }
