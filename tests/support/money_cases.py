"""Worked cases about money as data: a book of rules, lines in commits, and what must come out.

`answer` judges a case with the pure rules alone, so that a case says nothing about databases.
"""

import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import cache, partial
from typing import Any, NamedTuple

import tomlkit

from gitmeter.counting.decisions import Decisions
from gitmeter.counting.effects import CreditPerUnit, Movement, credited_nano, movement, rate_of
from gitmeter.counting.grounds import Grounds, NoLimit
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.lineage import Lineage
from gitmeter.money.places import CLAIMS_NOTHING, MoneyLimits, provider_fault
from gitmeter.money.pool import payments_of
from gitmeter.money.rivals import Contender, Judged, MoneyState, judge
from gitmeter.money.writer import Copy, Stated, Worth, WriterGrounds, worth_of
from tests.support.lineages import GraphCommit, lineage_of
from wire_format.explanation import canonical
from wire_format.instants import parse_ts, to_us
from wire_format.lines import Account, Decision, Folder, Line, Money
from wire_format.rule_book import parse_rule_book
from wire_format.segment import decode_segment
from wire_format.writers import Writers

Case = Mapping[str, Any]

_FOLDERS = {
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
    limits = MoneyLimits(writers_of(case["rules"]["writers"]), 0, bool(case["rules"].get("test")))
    stated, roles = _stated(case["lines"], case["commits"])
    books = [line for line in stated if roles[line.record.node] == "books"]
    decided = _admitted(books, Decisions())
    decisions = Decisions(record for record in decided if isinstance(record, Decision))
    entries = [
        Contender(record)
        for record in _admitted(books, decisions)
        if isinstance(record, Money) and provider_fault(record, limits) is None
    ]
    counts, waits = set[str](), set[str]()
    lineage = _lineage(case["commits"])
    writers = {node: role for node, role in roles.items() if role != "books"}

    def judged_by(per_unit: CreditPerUnit) -> dict[bytes, Worth]:
        found: dict[bytes, Worth] = {}
        for node, role in writers.items():
            own = [line for line in stated if line.record.node == node]
            confirmed = Confirmed(decisions.about_writer(node), lineage)
            grounds = WriterGrounds(role, limits, decisions.of_node(node), confirmed, per_unit)
            found |= worth_of([_with_copies(line, lineage) for line in own], grounds)
        return found

    may_be = judged_by(lambda _: Fraction(0))
    known = [
        line.record
        for line in stated
        if line.line not in may_be or may_be[line.line].reason not in CLAIMS_NOTHING
    ]
    found = judged_by(cache(partial(_credit_per_unit, known)))
    for line in stated:
        if line.record.node in writers:
            worth = found[line.line]
            if worth.reason is HeldReason.UNCONFIRMED:
                waits.add(_name(line.record))
            elif worth.reason is None and isinstance(line.record, Money):
                is_reconciled = worth.covered_us is not None
                entries.append(
                    Contender(
                        line.record,
                        is_books=False,
                        is_reconciled=is_reconciled,
                        is_weak=worth.is_weak,
                    )
                )
            elif worth.reason is None:
                counts.add(_name(line.record))
    judged = judge(entries)
    counts |= {_name(each.record) for each in judged if each.state is MoneyState.COUNTED}
    users = {text["user"] for text in case["lines"] if text.get("user")}
    return {
        "counts": sorted(counts),
        "waits": sorted(waits),
        "unpriced": [],
        "pool": {
            user: {at: pool_nano(judged, user, to_us(parse_ts(at))) for at in case["ask"]}
            for user in users
        },
    }


def pool_nano(judged: Iterable[Judged], user: str, before_us: int) -> int:
    """What a user has by lines dated before an instant, in nano-dollars."""
    listed = list(judged)
    own = [each for each in payments_of(listed).values() if each.record.user == user]
    others = [
        line.record
        for line in listed
        if line.state is MoneyState.COUNTED and line.record.kind in {"adjustment", "grant"}
    ]
    return sum(each.left_nano(before_us) for each in own if each.at_us < before_us) + sum(
        credited_nano(r) for r in others if r.user == user and to_us(r.ts) < before_us
    )


def _with_copies(line: "CaseLine", lineage: Lineage) -> Stated:
    assert isinstance(line.record, Money | Account)
    hashes = sorted(map(commit_hash, line.commits))
    copies = [Copy(spot, Place(h, "", 1)) for h in hashes if (spot := lineage.spot(h))]
    return Stated(line.record, line.line, copies)


def _credit_per_unit(records: Iterable[Line], payment: Movement) -> Fraction:
    rates = (rate_of(r) for r in records if isinstance(r, Money) and movement(r) == payment)
    return max(rates, default=Fraction(0))


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
            folder = _FOLDERS[text["type"]]
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
    return canonical(values, _FOLDERS[text["type"]])


def _values(text: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: value for name, value in text.items() if name not in _NOT_OF_THE_LINE}
    if text["type"] == "decision":
        values["v"] = 2 if text["kind"] in _VERSION_2_DECISIONS else 1
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


def writers_toml(tables: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """The tables of a case as `rules/writers.toml` states them."""
    names = {
        "providers": "provider",
        "tills": "till",
        "desks": "desk",
        "grants": "grant",
        "adjusts": "adjust",
    }
    instants = {"from", "until", "since"}
    document = {
        names[kind]: [
            {key: parse_ts(value) if key in instants else value for key, value in table.items()}
            for table in listed
        ]
        for kind, listed in tables.items()
        if listed
    }
    return tomlkit.dumps(document)


def _name(record: Line) -> str:
    return f"{record.node}:{record.seq}"


def main() -> None:
    """Read a case on standard input, and write the answer."""
    sys.stdout.write(json.dumps(answer(json.load(sys.stdin))))


if __name__ == "__main__":
    main()
