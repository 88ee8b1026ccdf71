"""Bad data is filed with its place and the reason; good data beside it is billed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pygit2
import pytest
from pygit2.enums import FileMode

from aggregator.incidents.kinds import IncidentKind
from gitmeter.counting.held import KEPT_BYTES_MAX
from tests.support.ledger.world import (
    BOOKS,
    DAY,
    PRICES,
    World,
    money_line,
    segment_path,
    usage_line,
)
from tests.support.strategies import EPOCH
from wire_format.faults import FaultCode

GOOD = usage_line(seq=1)
NODE = "node-1"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("told"))
    made.rules()
    made.repo(NODE)
    made.pull()
    return made


@pytest.fixture
def world(told: World, tmp_path: Path) -> World:
    return told.copied_to(tmp_path)


def accounted(world: World, files: int = 0) -> int:
    """Lines of the node's new commits: each is admitted, dropped, held or rejected.

    Args:
        world: with commits that were pushed and not pulled.
        files: how many of the new files are refused whole; each of those counts as one.
    """
    cursor = world.node()["cursor"]
    writer = world.repo(NODE)
    old = set() if cursor is None else set(writer.files(cursor))
    new = {p: d for p, d in writer.files("main").items() if p not in old and p[0] in "up"}
    report = world.pull()[NODE]
    assert report.incident is None, report.detail
    lines = report.admitted + report.duplicates + report.held + report.rejected
    if not files:
        assert lines == sum(data.count(b"\n") + (not data.endswith(b"\n")) for data in new.values())
    assert world.verify().matches
    return lines


def test_an_unknown_user_gets_an_account_below_zero(world: World) -> None:
    """The usage has happened."""
    world.usage(usage_line(user="nobody@knows", units=3600))
    accounted(world)
    balance = world.balance("nobody@knows")
    assert (balance["balance_nano"], balance["balance_usd"]) == (-3_600_000_000, "-3.60")
    assert (balance["first_paid_at"], balance["discount_tier"]) == (None, "none")


def test_an_unknown_resource_is_billed_once_it_has_a_price(world: World) -> None:
    world.usage(usage_line(resource="mystery/units", units=5))
    accounted(world)
    (charge,) = world.charges()
    assert (charge["state"], charge["billed_cost_nano"], charge["quantity"]) == ("unpriced", 0, 5)
    mystery = b'[[price]]\nresource = "mystery/units"\nusd = "2"\nper = 1\n'
    world.rules(PRICES + mystery + b"from = 2025-01-01T00:00:00Z\n")
    world.pull()
    (charge,) = world.charges()
    assert (charge["state"], charge["billed_cost_nano"]) == ("rated", 10_000_000_000)
    assert world.balance()["balance_nano"] == -10_000_000_000
    assert world.verify().matches


def test_a_price_for_later_hours_leaves_earlier_ones_unpriced(world: World) -> None:
    mystery = b'[[price]]\nresource = "mystery/units"\nusd = "2"\nper = 1\n'
    world.rules(PRICES + mystery + b"from = 2025-01-01T01:00:00Z\n")
    late = usage_line(seq=2, resource="mystery/units", ts="2025-01-01T01:00:00Z")
    world.usage(usage_line(resource="mystery/units", ts="2025-01-01T00:59:59.999999Z"), late)
    accounted(world)
    assert [charge["state"] for charge in world.charges()] == ["unpriced", "rated"]


def test_a_category_that_the_price_does_not_cover_is_shown(world: World) -> None:
    """And is billed once the book covers it; the category itself is never changed."""
    bound = b'applies_to = "vm"\n'
    vm = b'[[price]]\nresource = "vm/small/seconds"\nusd = "1"\nper = 1\n' + bound
    world.rules(PRICES + vm + b"from = 2025-01-01T00:00:00Z\n")
    world.usage(
        usage_line(resource="vm/small/seconds", applies_to="llm"),
        usage_line(seq=2, resource="vm/small/seconds", applies_to="vm"),
    )
    accounted(world)
    found = {charge["applies_to"]: charge for charge in world.charges()}
    assert (found["llm"]["state"], found["llm"]["billed_cost_nano"]) == ("category_mismatch", 0)
    assert (found["vm"]["state"], found["vm"]["billed_cost_nano"]) == ("rated", 10**9)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"\n", FaultCode.NOT_JSON),
        (b"{\n", FaultCode.NOT_JSON),
        (b"[]\n", FaultCode.NOT_OBJECT),
        (b"\xff\n", FaultCode.NOT_UTF8),
        (b"x" * 9000 + b"\n", FaultCode.TOO_LONG),
        (usage_line(seq=2, units=-1), FaultCode.INVALID_FIELD),
        (usage_line(seq=2, user="a b"), FaultCode.INVALID_FIELD),
        (usage_line(seq=2, ts="2025-01-01T00:30:00+00:00"), FaultCode.INVALID_FIELD),
        (GOOD.replace(b'"v":1,', b'"v": 1,'), FaultCode.NOT_CANONICAL),
        (GOOD.replace(b'"units":1', b'"units":1,"units":1'), FaultCode.NOT_CANONICAL),
        (GOOD.removesuffix(b"\n") + b" " + GOOD, FaultCode.NOT_JSON),
        (usage_line(seq=2).replace(b'"v":1', b'"v":0'), FaultCode.INVALID_FIELD),
    ],
)
def test_a_bad_line_is_filed_and_the_others_are_billed(
    world: World, bad: bytes, code: FaultCode
) -> None:
    """With its commit, path, line number, bytes and a reason."""
    commit = world.usage(GOOD, bad, usage_line(seq=3))
    accounted(world)
    (reject,) = world.rejects()
    assert (reject["code"], reject["commit"], reject["line_no"]) == (code, commit, 2)
    stored = world.repo(NODE).files(commit)[reject["path"]].split(b"\n")[1]
    assert stored[:KEPT_BYTES_MAX].decode(errors="backslashreplace") == reject["line"]
    assert reject["reason"]
    assert world.charges()[0]["records"] == 2
    assert world.node()["rejected"] == 1


def test_a_last_line_without_its_newline_is_refused(world: World) -> None:
    world.usage(GOOD, usage_line(seq=2).removesuffix(b"\n"))
    accounted(world)
    assert [row["code"] for row in world.rejects()] == ["not_terminated"]


def test_a_rejected_line_names_its_number_as_missing(world: World) -> None:
    """Its seq counts as never seen; a valid line in a later commit is billed and closes the gap."""
    world.usage(GOOD, b"rotten\n", usage_line(seq=3))
    accounted(world)
    assert world.node()["gaps"] == [{"first_seq": 2, "last_seq": 2}]
    world.usage(usage_line(seq=2))
    accounted(world)
    assert world.node()["gaps"] == []
    assert world.charges()[0]["records"] == 3


def held_reasons(world: World) -> list[str]:
    return [row["reason"] for row in world.held()]


def test_a_line_of_another_node_is_held_and_not_billed(world: World) -> None:
    commit = world.usage(GOOD, usage_line(seq=2, node="node-2", user="victim"))
    accounted(world)
    (held,) = world.held()
    assert (held["reason"], held["commit"], held["line_no"]) == ("wrong_node", commit, 2)
    assert held["meaning"]
    assert world.node()["gaps"] == []
    assert world.node()["highest_seq"] == 1, "another node's number says nothing of ours"
    assert world.charges()[0]["records"] == 1
    assert "victim" not in {row["user"] for row in _balances(world)}


def _balances(world: World) -> list[dict[str, Any]]:
    from aggregator.reports import accounts

    with world.reading() as store:
        return list(accounts.balances(store, world.now))


def test_a_line_ahead_of_its_commit_waits_for_a_later_commit(world: World) -> None:
    """At the skew it counts, a microsecond further it is held; a later commit brings it in."""
    at = datetime(2025, 6, 1, tzinfo=UTC)
    within = usage_line(seq=1, ts="2025-06-01T00:05:00Z")
    beyond = usage_line(seq=2, ts="2025-06-01T00:05:00.000001Z")
    world.usage(within, beyond, when=at)
    accounted(world)
    assert held_reasons(world) == ["ahead_of_commit"]
    assert world.charges()[0]["records"] == 1
    assert world.node()["gaps"] == []
    world.usage(within, beyond, when=at + timedelta(seconds=1))
    accounted(world)
    assert held_reasons(world) == []
    assert world.charges()[0]["records"] == 2


def test_a_line_that_was_admitted_is_not_held_when_it_comes_again_too_early(world: World) -> None:
    """Commit dates may go back; what is billed stays billed, and is a duplicate."""
    line = usage_line(ts="2025-06-01T00:30:00Z")
    world.usage(line, when=datetime(2025, 6, 1, 1, tzinfo=UTC))
    accounted(world)
    world.usage(line, usage_line(seq=2), when=datetime(2025, 5, 1, tzinfo=UTC))
    world.pull()
    assert held_reasons(world) == []


def test_a_conflicting_line_that_was_ahead_once_is_held_for_one_reason(tmp_path: Path) -> None:
    """A node's two repos, read in either order, end in the same digest."""
    digests = []
    for order in (("node-1", "node-1-old"), ("node-1-old", "node-1")):
        world = World(tmp_path / order[0])
        loser = usage_line(units=9, ts="2025-01-01T00:30:00Z")
        world.usage(usage_line(units=1), repo="node-1")
        world.usage(loser, repo="node-1")
        world.repo("node-1-old", node="node-1")
        world.usage(loser, repo="node-1-old", when=datetime(2024, 6, 1, tzinfo=UTC))
        for name in order:
            world.pull(name)
        assert held_reasons(world) == ["conflict"]
        digests.append(world.digest())
    assert digests[0] == digests[1]


def test_a_file_with_a_bad_name_is_refused_in_whatever_order_it_comes(tmp_path: Path) -> None:
    """That its bytes were billed from another place does not make the name a good one."""
    digests = []
    for order in (("node-1", "node-1-old"), ("node-1-old", "node-1")):
        world = World(tmp_path / order[0])
        world.usage(GOOD, repo="node-1")
        world.repo("node-1-old", node="node-1").commit({"usage/spool.jsonl": GOOD})
        for name in order:
            world.pull(name)
        assert [row["path"] for row in world.rejects()] == ["usage/spool.jsonl"]
        digests.append(world.digest())
    assert digests[0] == digests[1]


def test_a_line_of_a_later_version_is_held(world: World) -> None:
    world.usage(GOOD, b'{"v":2,"what":"ever"}\n')
    accounted(world)
    assert held_reasons(world) == ["unknown_version"]
    assert world.rejects() == []


def test_a_correction_that_would_leave_less_than_nothing_is_held(world: World) -> None:
    world.usage(GOOD, usage_line(seq=2, units=-2, corrects=1, reason="miscount"))
    accounted(world)
    assert held_reasons(world) == ["below_zero"]
    assert world.charges()[0]["quantity"] == 1


def test_payments_in_a_usage_repo_are_refused(world: World) -> None:
    world.pay(money_line(node=NODE), repo=NODE)
    accounted(world, files=1)
    (reject,) = world.rejects()
    assert (reject["code"], reject["line_no"]) == ("refused_file", 0)
    assert "payments" in reject["reason"]
    assert _balances(world) == []


def test_usage_in_the_books_is_refused(world: World) -> None:
    world.usage(usage_line(node=BOOKS), repo=BOOKS)
    assert world.pull()[BOOKS].rejected == 1
    assert _balances(world) == []


def test_rules_in_a_usage_repo_are_ignored(world: World) -> None:
    world.usage(GOOD)
    world.repo(NODE).commit({"rules/prices.toml": PRICES.replace(b"3.60", b"999")})
    accounted(world)
    assert world.charges()[0]["list_cost_nano"] == 1_000_000


LIMITS: dict[str, Callable[[], bytes]] = {
    "8388609 bytes": lambda: GOOD.ljust(8 * 1024 * 1024 + 1, b"\n"),
    "50001 lines": lambda: b"".join(usage_line(seq=seq) for seq in range(1, 50_002)),
    "50003 lines": lambda: b"\n" * 50_003,
    "is empty": lambda: b"",
}


@pytest.mark.parametrize("reason", LIMITS)
def test_a_segment_over_a_limit_is_refused_whole(world: World, reason: str) -> None:
    """One entry at line 0; the next commit is read as ever."""
    path = segment_path(DAY, 1)
    commit = world.repo(NODE).commit({path: LIMITS[reason]()})
    assert accounted(world, files=1) == 1
    (reject,) = world.rejects()
    assert (reject["commit"], reject["path"], reject["line_no"]) == (commit, path, 0)
    assert reason in reject["reason"]
    world.usage(GOOD)
    accounted(world)
    assert world.charges()[0]["records"] == 1


def test_a_segment_at_its_limits_is_read(world: World) -> None:
    """50,000 lines over a year."""
    lines = [usage_line(seq=seq) for seq in range(1, 50_000)]
    world.usage(*lines, usage_line(seq=50_000, ts="2024-01-02T00:30:00Z"))
    accounted(world)
    assert sum(charge["records"] for charge in world.charges()) == 50_000


@pytest.mark.parametrize(
    "path",
    [
        "usage/readme.txt",
        "usage/2025/01/01/1.jsonl",
        "usage/2025/02/30/0000000000000001.jsonl",
        "usage/2025/01/01/0000000000000000.jsonl",
        "usage/1999/01/01/0000000000000001.jsonl",
        "usage/\x1b[31m/x.jsonl",
    ],
)
def test_a_file_with_a_path_of_its_own_is_refused(world: World, path: str) -> None:
    world.repo(NODE).commit({path: GOOD})
    accounted(world, files=1)
    assert [(row["path"], row["line_no"]) for row in world.rejects()] == [(path, 0)]
    assert _balances(world) == []


@pytest.mark.parametrize("mode", [FileMode.LINK, FileMode.COMMIT])
def test_what_is_no_file_is_refused(world: World, mode: FileMode) -> None:
    """A symbolic link, a submodule."""
    repo = world.repo(NODE).repo
    target = repo.create_blob(GOOD) if mode is FileMode.LINK else pygit2.Oid(hex="1" * 40)
    index = pygit2.Index()
    index.add(pygit2.IndexEntry(segment_path(DAY, 1), target, mode))
    author = pygit2.Signature("node", "node@example.invalid", 1_750_000_000, 0)
    made = repo.create_commit(None, author, author, "link", index.write_tree(repo), [])
    world.repo(NODE).force(str(made))
    report = world.pull()[NODE]
    assert (report.admitted, report.rejected) == (0, 1)
    assert "symbolic link" in world.rejects()[0]["reason"]
    assert world.verify().matches


BAD_BOOKS = {
    "no TOML": b"[[price\n",
    "a float for a price": PRICES.replace(b'"3.60"', b"3.60"),
    "the same price twice": PRICES * 2,
    "a price within an hour": PRICES.replace(b"00:00Z", b"30:00Z"),
    "an unknown key": PRICES + b"pre = 1\n",
    "a VM price without its category": PRICES.replace(b"hero_os", b"vm"),
}


@pytest.mark.parametrize("bad", BAD_BOOKS)
def test_a_bad_rule_book_leaves_the_one_before_in_force(world: World, bad: str) -> None:
    """The books are not held up: payments beside it count, and a good book ends the incident."""
    world.usage(usage_line(units=3600))
    world.pull()
    good = world.verify().rule_book
    commit = world.rules(BAD_BOOKS[bad])
    world.pay(money_line())
    report = world.pull()[BOOKS]
    assert (report.commits, report.incident) == (2, None)
    assert world.verify().rule_book == good
    assert world.charges()[0]["list_cost_nano"] == 3_600_000_000
    assert world.balance()["lifetime_paid_nano"] == 10 * 10**9
    (incident,) = world.incidents()
    assert (incident["kind"], incident["subject"]) == (IncidentKind.BAD_RULE_BOOK, commit)
    assert incident["detail"]
    assert world.rebuilt_digest() == world.digest()
    world.rules(PRICES.replace(b"3.60", b"7.20"))
    world.pull()
    assert world.open_kinds() == []
    assert world.charges()[0]["list_cost_nano"] == 7_200_000_000


def test_the_first_rule_book_may_be_bad(tmp_path: Path) -> None:
    """Then nothing has a price, and everything is billed when there is one."""
    world = World(tmp_path)
    world.rules(b"nonsense")
    world.usage(GOOD)
    world.pull()
    assert world.charges()[0]["state"] == "unpriced"
    world.rules(PRICES)
    world.pull()
    assert world.charges()[0]["state"] == "rated"
    assert world.verify().matches


def test_a_number_given_twice_counts_twice_and_is_flagged(world: World) -> None:
    world.usage(GOOD)
    world.pull()
    world.usage(usage_line(seq=1, ts="2025-01-01T00:45:00Z"))
    accounted(world)
    assert world.charges()[0]["records"] == 2
    (incident,) = world.incidents()
    assert (incident["kind"], incident["subject"]) == (IncidentKind.SEQUENCE_REUSED, "seq 1")


def test_incidents_that_records_show_are_in_a_rebuilt_ledger_too(world: World) -> None:
    """Incidents are not in the digest, but they must not be lost with the database."""
    world.usage(GOOD)
    world.usage(usage_line(seq=1, ts="2025-01-01T00:45:00Z"))
    world.rules(b"nonsense")
    world.pull()
    kinds = sorted(world.open_kinds())
    assert kinds == [("books", "bad rule book"), ("node-1", "sequence reused")]
    world.forget()
    world.pull()
    assert sorted(world.open_kinds()) == kinds
    world.forget(mirrors=True)
    world.pull()
    assert sorted(world.open_kinds()) == kinds


def test_missing_numbers_are_named_until_they_arrive(world: World) -> None:
    world.usage(*(usage_line(seq=seq) for seq in (3, 4, 8)))
    accounted(world)
    assert world.node()["gaps"] == [
        {"first_seq": 1, "last_seq": 2},
        {"first_seq": 5, "last_seq": 7},
    ]
    world.usage(*(usage_line(seq=seq) for seq in (1, 2, 5, 7)))
    accounted(world)
    assert world.node()["gaps"] == [{"first_seq": 6, "last_seq": 6}]
    world.usage(usage_line(seq=6))
    accounted(world)
    assert world.node()["gaps"] == []
    assert world.charges()[0]["records"] == 8


def test_the_jump_to_another_epoch_is_no_gap_but_its_tail_is_unproved(world: World) -> None:
    world.usage(usage_line(seq=1), usage_line(seq=2))
    world.usage(usage_line(seq=3 * EPOCH + 1), usage_line(seq=3 * EPOCH + 3))
    accounted(world)
    node = world.node()
    assert node["gaps"] == [{"first_seq": 3 * EPOCH + 2, "last_seq": 3 * EPOCH + 2}]
    assert (node["epochs"], node["unproved_tails"]) == (
        [0, 3],
        [{"first_epoch": 0, "last_epoch": 2}],
    )
    assert node["highest_seq"] == 3 * EPOCH + 3


def test_the_same_lines_again_are_counted_as_dropped(world: World) -> None:
    lines = [usage_line(seq=seq) for seq in (1, 2, 3)]
    world.usage(*lines)
    accounted(world)
    world.usage(*lines)
    world.usage(*lines[1:], *lines[:1])
    accounted(world)
    assert (world.node()["records"], world.node()["duplicates"]) == (3, 6)


def test_everything_at_once_is_accounted_for(world: World) -> None:
    """One segment with each kind of line, delivered twice, and no line without its place."""
    lines = [
        GOOD,
        GOOD,
        usage_line(seq=1, units=0),
        usage_line(seq=1, ts="2025-01-01T00:31:00Z"),
        usage_line(seq=2, node="node-2"),
        usage_line(seq=3, units=-1, corrects=1, reason="no"),
        b'{"v":3}\n',
        b"nonsense\n",
        usage_line(seq=9, ts="2025-01-01T01:00:00Z", user="b:2"),
    ]
    world.usage(*lines)
    assert accounted(world) == len(lines)
    world.usage(*reversed(lines))
    assert accounted(world) == len(lines)
    node = world.node()
    assert node["records"] == 3
    filed = {json.dumps(row, sort_keys=True) for row in (*world.held(), *world.rejects())}
    assert len(filed) == node["held"] + node["rejected"]


def test_a_charge_beyond_the_limit_costs_the_limit(world: World) -> None:
    """The exact quantity is kept, and a smaller hour beside it is billed."""
    million = 10**9  # units: they cost a million dollars
    world.usage(*(usage_line(seq=seq, units=million) for seq in range(1, 600)))
    world.usage(usage_line(seq=600, ts="2025-01-01T01:00:00Z", units=3600))
    accounted(world)
    first, second = world.charges()
    assert (first["state"], first["billed_cost_nano"]) == ("overflow", 10**15)
    assert int(first["quantity"]) == 599 * million
    assert second["billed_cost_nano"] == 3_600_000_000


def test_a_record_that_alone_costs_more_than_the_limit_is_held(world: World) -> None:
    """What another node recorded for the same user, resource and hour is billed as ever."""
    honest = usage_line(seq=1, units=3600)
    world.usage(honest)
    world.pull()
    before = world.charges()
    far_too_much = usage_line(node="evil", seq=1, units=2**53 - 1)
    world.usage(far_too_much, repo="evil")
    assert world.pull()["evil"].held == 1
    assert world.charges() == before
    (held,) = world.held()
    assert (held["node"], held["reason"]) == ("evil", "beyond_limit")
    assert held["line"].encode() + b"\n" == far_too_much
    assert world.rebuilt_digest() == world.digest()
