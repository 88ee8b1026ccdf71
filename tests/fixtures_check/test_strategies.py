"""Generated facts are valid, deliveries tell all of them, and the interesting cases do occur."""

import dataclasses
import json
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.deliveries import Delivery, deliveries, land
from tests.support.memory import MEMORY
from tests.support.repos import RepoWriter
from tests.support.strategies import BOOKS, EPOCH, Facts, Rules, facts, rules
from wire_format.fields import SEGMENTS_PER_COMMIT_MAX
from wire_format.lines import Folder
from wire_format.paths import parse_path
from wire_format.rule_book import parse_rule_book
from wire_format.segment import decode_segment

CASES = (
    *("rated", "unpriced", "category_mismatch", "overflow", "discounted", "shared charge"),
    *("conflict", "reused number", "no_original", "unlike_original", "below_zero", "corrected"),
    "beyond_limit",
    *("excluded", "chosen"),
    *("repeated reference", "refund of no counted payment"),
)
told = facts().flatmap(lambda some: st.tuples(st.just(some), deliveries(some)))
relaxed = settings(
    max_examples=settings().max_examples // 2,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@relaxed
@given(rules())
def test_rules_as_toml_say_what_the_dicts_say(book: Rules) -> None:
    """The product reads from the files what the reference takes from the dicts."""
    parsed = parse_rule_book(book.prices_toml, book.discounts_toml)
    prices = [price.model_dump(by_alias=True, exclude_unset=True) for price in parsed.prices]
    assert prices == book.prices
    ladders = [ladder.model_dump(by_alias=True, mode="python") for ladder in parsed.ladders]
    for ladder in ladders:
        ladder["tiers"] = [tier | {"applies_to": [*tier["applies_to"]]} for tier in ladder["tiers"]]
    assert ladders == book.ladders


@relaxed
@given(told)
def test_every_segment_is_valid_and_every_line_is_told(both: tuple[Facts, Delivery]) -> None:
    """By the wire format itself: lines, paths, epoch, segments in a commit."""
    some, delivery = both
    for repo, history in delivery.histories.items():
        seen: set[bytes] = set()
        paths: Counter[str] = Counter()
        for commit in history:
            segments = {
                path: data for path, data in commit.files.items() if path.endswith(".jsonl")
            }
            assert len(segments) <= SEGMENTS_PER_COMMIT_MAX
            paths.update(segments.keys())
            for path, data in segments.items():
                assert data is not None
                folder = parse_path(path).folder
                assert (folder is Folder.USAGE) is (repo != BOOKS)
                decoded = decode_segment(data, folder)
                assert not decoded.rejects
                assert {record.node for record in decoded.records} == {repo}
                assert parse_path(path).first_seq == decoded.records[0].seq
                instants = [record.ts for record in decoded.records]
                assert max(instants) < commit.when
                assert len({(record.seq - 1) // EPOCH for record in decoded.records}) == 1
                seen.update(data.splitlines(keepends=True))
        assert seen == (some.money | some.decisions if repo == BOOKS else some.usage[repo])
        assert not paths or max(paths.values()) == 1


@relaxed
@given(told)
def test_rounds_land_every_commit_and_end_with_all_seen(both: tuple[Facts, Delivery]) -> None:
    """Nothing is left outside when the last pull is done, the rule book included."""
    some, delivery = both
    landed = Counter(repo for one in delivery.rounds for repo in one.lands)
    assert landed == Counter({repo: len(all_) for repo, all_ in delivery.histories.items()})
    assert set(delivery.rounds[-1].pulls) == set(delivery.histories)
    tree: dict[str, bytes | None] = {}
    for commit in delivery.histories[BOOKS]:
        tree.update(commit.files)
    assert {path: tree.get(path) for path in some.rules.files()} == some.rules.files()


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(told)
def test_deliveries_become_real_repos(both: tuple[Facts, Delivery]) -> None:
    """The last commit's tree holds every file that was ever added."""
    _, delivery = both
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        writer = RepoWriter(Path(folder) / "books.git")
        for commit in delivery.histories[BOOKS]:
            tip = land(writer, commit)
        tree = writer.files(tip)
    payments = {path for one in delivery.histories[BOOKS] for path in one.files if path[0] == "p"}
    assert payments <= set(tree)


@relaxed
@given(facts().flatmap(lambda some: deliveries(some, messy=False)))
def test_tidy_segments_ascend(delivery: Delivery) -> None:
    """What a well-kept node writes: each `seq` above the one before."""
    for history in delivery.histories.values():
        for path, data in [item for commit in history for item in commit.files.items()]:
            if path.endswith(".jsonl") and data is not None:
                seqs = [json.loads(line)["seq"] for line in data.splitlines()]
                assert seqs == sorted(set(seqs))


def test_the_interesting_cases_occur() -> None:
    """Each is met within a few hundred examples, so a property over these facts tests it."""
    met: Counter[str] = Counter()

    @settings(
        max_examples=200,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    @given(facts())
    def look(some: Facts) -> None:
        ledger = some.reckoned()
        charges = ledger.charges.values()
        met.update({charge[2] for charge in charges} | set(ledger.held.values()))
        met["discounted"] += any(0 < charge[4] < charge[3] for charge in charges)
        met["shared charge"] += any(charge[1] > 1 for charge in charges)
        met["corrected"] += any(
            b'"corrects"' in line and line not in ledger.held
            for of_node in some.usage.values()
            for line in of_node
        )
        undecided = dataclasses.replace(some, decisions=frozenset()).reckoned()
        met["chosen"] += any(
            undecided.held.get(line) == "conflict" and line not in ledger.held
            for of_node in some.usage.values()
            for line in of_node
        )
        times = defaultdict(set)
        for values in map(json.loads, some.usage["node-1"]):
            if "corrects" not in values:
                times[values["seq"]].add(values["ts"])
        met["reused number"] += any(len(several) > 1 for several in times.values())

    look()
    assert {case: met[case] for case in CASES if met[case] < 5} == {}
