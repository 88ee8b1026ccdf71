"""Worked cases about money as data: a book of rules, lines in commits, and what must come out.

`answer` judges a case with the pure rules alone, so that a case says nothing about databases.
"""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aggregator.rating.rating import Rater
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.effects import credited_nano
from gitmeter.counting.grounds import Grounds, NoLimit
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from gitmeter.money.accounts import AccountEntry, account_at
from gitmeter.money.lineage import Lineage
from gitmeter.money.places import MoneyLimits
from gitmeter.money.rivals import MoneyState
from gitmeter.money.writer import Copy, Stated
from tests.support.case_rules import rule_files, writers_toml
from tests.support.charged_case import ChargedCase
from tests.support.lineages import GraphCommit, lineage_of
from tests.support.money_judging import JudgedLines, TellingLines, counting, judge_lines
from wire_format.explanation import canonical
from wire_format.instants import parse_ts, to_us
from wire_format.lines import Account, Decision, Folder, Line, Money
from wire_format.rule_book import RULE_PATHS, parse_rule_book
from wire_format.segment import decode_segment
from wire_format.writers import Writers

Case = Mapping[str, Any]

FOLDERS = {
    "usage": Folder.USAGE,
    "payment": Folder.PAYMENTS,
    "account": Folder.ACCOUNTS,
    "decision": Folder.DECISIONS,
}
_FOLDERS_OF = {
    "usage": {"usage"},
    "books": {"payment", "account", "decision"},
    "till": {"payment", "account"},
    "desk": {"payment", "account"},
}
_NOT_OF_THE_LINE = {"repo", "role", "commit", "commit_ts", "type", "staff_role"}
_VERSION_2_DECISIONS = {"seen", "only", "reconciled"}


def answer(case: Case) -> dict[str, Any]:
    """What counts, what waits, and what each user has at the instants asked for."""
    judged, charged = judged_case(case)
    users = charged.users
    instants = {at: to_us(parse_ts(at)) for at in case["ask"]}
    counted = [*counting(judged), *(r for plan in charged.plans.values() for r in plan.counted)]
    pool = {
        user: {
            at: pool_nano(judged, user, us) - charged.fees_nano(user, us)
            for at, us in instants.items()
        }
        for user in users
    }
    found: dict[str, Any] = {
        "counts": sorted(map(_name, counted)),
        "waits": sorted(map(_name, judged.waiting)),
        "charges": list(charged.charge_answers(are_priced=True)),
        "unpriced": list(charged.charge_answers(are_priced=False)),
        "drawn": list(charged.drawn_answers()),
        "pool": pool,
        "accounts": {
            user: {at: _account(judged.accounts, user, us) for at, us in instants.items()}
            for user in users
        },
    }
    for user in users:
        for name, values in charged.of_user(user, instants, pool[user]).items():
            found.setdefault(name, {})[user] = values
    return found


def judged_case(case: Case) -> tuple[JudgedLines, ChargedCase]:
    """What became of the lines of a case, and what its accounts have, use and owe."""
    told = read_case(case)
    judged = judge_lines(told)
    return judged, ChargedCase(case, rater_of(case), told, judged, _committed(case))


def rater_of(case: Case) -> Rater:
    """Rates by the rules of a case."""
    files = rule_files(case["rules"])
    return Rater(parse_rule_book(*(files.get(path) for path in RULE_PATHS)))


def _committed(case: Case) -> dict[Money | Account, int]:
    """When each line of the books about money and accounts was committed first."""
    found: dict[Money | Account, int] = {}
    stated, roles = _stated(case["lines"], case["commits"])
    for line in stated:
        if roles[line.record.node] == "books" and isinstance(line.record, Money | Account):
            times = [to_us(parse_ts(case["commits"][name]["ts"])) for name in line.commits]
            found[line.record] = min(times)
    return found


def pool_nano(judged: JudgedLines, user: str, before_us: int) -> int:
    """What a user has by lines dated before an instant, in nano-dollars; without fees of plans."""
    own = [each for each in judged.payments.values() if each.record.user == user]
    others = [
        line.record
        for line in judged.money
        if line.state is MoneyState.COUNTED
        and (
            line.record.kind == "adjustment" or (line.record.kind == "grant" and line.record.v == 1)
        )
    ]
    return sum(each.left_nano(before_us) for each in own if each.at_us < before_us) + sum(
        credited_nano(r) for r in others if r.user == user and to_us(r.ts) < before_us
    )


def _account(entries: Iterable[AccountEntry], user: str, before_us: int) -> dict[str, Any]:
    own = [entry for entry in entries if entry.record.user == user]
    found = account_at(own, before_us)
    return {
        "setting": dict(found.settings),
        "suspended": found.is_suspended,
        "keys": [claim.key_id for claim in found.keys],
    }


def read_case(case: Case) -> TellingLines:
    """The lines of a case, read."""
    limits = MoneyLimits(writers_of(case["rules"]["writers"]), 0, bool(case["rules"].get("test")))
    stated, roles = _stated(case["lines"], case["commits"])
    books = [line for line in stated if roles[line.record.node] == "books"]
    decided = _admitted(books, Decisions())
    decisions = Decisions(record for record in decided if isinstance(record, Decision))
    lineage = _lineage(case["commits"])
    by_role: dict[str, dict[str, list[Stated]]] = {"till": {}, "desk": {}}
    for line in stated:
        node = line.record.node
        if roles[node] != "books":
            by_role[roles[node]].setdefault(node, []).append(_with_copies(line, lineage))
    admitted = [r for r in _admitted(books, decisions) if isinstance(r, Money | Account)]
    return TellingLines(admitted, by_role["till"], by_role["desk"], limits, decisions, lineage)


def _with_copies(line: "CaseLine", lineage: Lineage) -> Stated:
    assert isinstance(line.record, Money | Account)
    hashes = sorted(map(commit_hash, line.commits))
    copies = [Copy(spot, Place(h, "", 1)) for h in hashes if (spot := lineage.spot(h))]
    return Stated(line.record, line.line, copies)


def commit_hash(name: str) -> str:
    """The hash that stands for a commit which a case names in words."""
    return hashlib.sha1(name.encode()).hexdigest()  # noqa: S324 - a name, not a secret


def _lineage(commits: Mapping[str, Any]) -> Lineage:
    repos = {name: name.rpartition(".")[0] for name in commits}
    return lineage_of(
        GraphCommit(
            commit_hash(name),
            repos[name],
            None if commit["parent"] is None else commit_hash(commit["parent"]),
            to_us(parse_ts(commit["ts"])),
        )
        for name, commit in commits.items()
    )


def _dated_back(commits: Mapping[str, Any]) -> set[str]:
    """Commits that hold their repo, because they or one below are dated before an ancestor."""
    held: set[str] = set()
    for name in commits:
        chain = [name]
        while (parent := commits[chain[-1]]["parent"]) is not None:
            chain.append(parent)
        times = [commits[each]["ts"] for each in reversed(chain)]
        if times != sorted(times):
            held.add(name)
    return held


class CaseLine(NamedTuple):
    """A valid line, with the commits that have it."""

    record: Line
    line: bytes
    commits: frozenset[str]


def _stated(
    lines: Iterable[Mapping[str, Any]], commits: Mapping[str, Any]
) -> tuple[list[CaseLine], dict[str, str]]:
    """The valid lines that their repos may carry and that were read, and the role of each node."""
    held = _dated_back(commits)
    found: dict[tuple[Folder, bytes], set[str]] = defaultdict(set)
    roles: dict[str, str] = {}
    for text in lines:
        if text["type"] not in _FOLDERS_OF[text["role"]] or text["type"] == "usage":
            continue
        roles[text["node"]] = text["role"]
        if text["commit"] not in held or text["role"] == "books":
            folder = FOLDERS[text["type"]]
            found[folder, line_of(text)].add(text["commit"])
    stated = [
        CaseLine(record, line, frozenset(commits))
        for (folder, line), commits in found.items()
        for record in decode_segment(line, folder).records
    ]
    return stated, roles


def line_of(text: Mapping[str, Any], hashes: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a line of a case.

    Args:
        text: the line; `tip` is a commit as the case names it.
        hashes: of the commits; None for hashes that stand for them.
    """
    values = _values(text)
    if "tip" in values:
        values["tip"] = commit_hash(values["tip"]) if hashes is None else hashes[values["tip"]]
    return canonical(values, FOLDERS[text["type"]])


def _values(text: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in text.items() if name not in _NOT_OF_THE_LINE}
    if text["type"] == "decision":
        values["v"] = 2 if text["kind"] in _VERSION_2_DECISIONS else 1
    if text.get("kind") == "adjustment":
        values.setdefault("reason", "as agreed")  # a case need not say why
    if "staff_role" in text:
        values["role"] = text["staff_role"]
    return values


def _admitted(books: Iterable[CaseLine], decisions: Decisions) -> list[Line]:
    """The lines of the books that no rival under their key and no decision keeps out."""
    claims = [Claim(line.record, line.line, Place("", "", 0)) for line in books]
    nodes = {claim.record.node for claim in claims}
    return [
        claim.record
        for node in nodes
        for claim, reason in verdicts(
            [claim for claim in claims if claim.record.node == node],
            Grounds(decisions.of_node(node), NoLimit()),
        ).values()
        if reason is None
    ]


def writers_of(tables: Mapping[str, list[Mapping[str, Any]]]) -> Writers:
    """The tables of a case, read."""
    return parse_rule_book(None, None, None, writers_toml(tables).encode()).writers


def _name(record: Line) -> str:
    return f"{record.node}:{record.seq}"


def main() -> None:
    """Read a case on standard input, and write the answer."""
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
