"""A charge is explained by exactly the lines that count, and every summary is the whole charge."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aggregator.ledger.rejudge import InForce, decisions_of
from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.ledger.segments import SegmentReader, segment_reader
from aggregator.rating.rating import Rater
from aggregator.reports.charges.counted_lines import CountedLine, counted_lines
from aggregator.reports.charges.explain import LINES_SHOWN_MAX, Extent, explain
from aggregator.store.store import LedgerStore
from gitmeter.counting.lines import Claim
from gitmeter.counting.verdicts import verdicts
from tests.support.deliveries import Delivery, deliveries
from tests.support.ledger.telling import tell
from tests.support.ledger.world import World, usage_line
from tests.support.memory import MEMORY
from tests.support.strategies import USERS, facts
from wire_format.instants import hour_of, parse_ts
from wire_format.lines import Line, Usage
from wire_format.money import NANO

Asked = tuple[str, str, int]

MANY: Final = settings().max_examples


@st.composite
def delivered(draw: st.DrawFn) -> Delivery:
    """Facts as they came, with rivals, corrections, decisions and lines that came again."""
    return draw(deliveries(draw(facts())))


@settings(
    max_examples=MANY * 2 // 3,
    phases=set(Phase) - {Phase.explain},  # explaining a failure takes longer than finding it
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(delivered())
def test_a_charge_is_made_of_the_lines_that_count_when_all_are_judged(delivery: Delivery) -> None:
    """Although most are not even decoded; and they add up, in every summary."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder))
        tell(world, delivery)
        with world.reading() as store, store.view():
            reader = segment_reader(world.state)
            decisions = decisions_of(store)
            limit_nano = world.config.charge_cost_max_usd * NANO
            rater = Rater(rule_book_in_force(store), limit_nano)
            in_force = InForce(decisions, rater)
            all_asked = charges(world)
            for asked in all_asked:
                expected = judged_all(store, reader, in_force, asked)
                assert list(counted_lines(store, reader, in_force, asked)) == expected
        with world.reading() as store:
            for asked in all_asked:
                for charge in explain(store, rater, reader, decisions, asked, Extent(None)):
                    assert_sums(charge)


def charges(world: World) -> list[Asked]:
    """What can be asked about."""
    found: set[Asked] = set()
    for user in USERS:
        if world.run("balance", user).code == 0:
            rows = world.charges(user)
            found.update((user, row["resource"], hour_of(parse_ts(row["hour"]))) for row in rows)
    return sorted(found)


def judged_all(
    store: LedgerStore, reader: SegmentReader, in_force: InForce, asked: Asked
) -> list[CountedLine]:
    """The lines of a charge, after judging every line of the hour."""
    return list(_judged_all(store, reader, in_force, asked))


def _judged_all(
    store: LedgerStore, reader: SegmentReader, in_force: InForce, asked: Asked
) -> Iterator[CountedLine]:
    user, resource, hour = asked
    claims: dict[str, list[Claim[Line]]] = defaultdict(list)
    repos: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    for segment in store.segments.at_hour(hour):
        for claim in reader.claims(segment):
            if isinstance(claim.record, Usage) and hour_of(claim.record.ts) == hour:
                claims[segment.node].append(claim)
                repos[segment.node, claim.line].append(segment.repo)
    for node in sorted(claims):
        judged = verdicts(claims[node], in_force.of_node(node)).values()
        counted = [claim for claim, reason in judged if reason is None]
        for record, line, place in sorted(counted, key=lambda claim: claim.record.seq):
            if isinstance(record, Usage) and (record.user, record.resource) == (user, resource):
                first, *again = repos[node, line]
                yield CountedLine(first, record, place, len(again))


def assert_sums(charge: dict[str, Any]) -> None:
    """Each summary is the whole charge, and says of its lines what they say one by one."""
    assert charge["adds_up"] is True
    lines = charge["lines"]
    assert lines is not None
    whole = {
        "units": charge["quantity"],
        "lines": charge["records"],
        "corrections": sum(line["corrects"] is not None for line in lines),
        "repeats": sum(line["repeats"] for line in lines),
    }
    ways = {"nodes": ("node",), "instances": ("instance",), "segments": ("repo", "commit", "path")}
    assert charge["summary"].keys() == ways.keys()
    for way, keys in ways.items():
        rows = charge["summary"][way]
        assert {key: sum(row[key] for row in rows) for key in whole} == whole
        for row in rows:
            own = [line for line in lines if all(line[key] == row[key] for key in keys)]
            assert (row["units"], row["lines"]) == (sum(each["units"] for each in own), len(own))
            if way == "segments":
                numbers = [line["line_no"] for line in own]
                assert (row["first_line_no"], row["last_line_no"]) == (min(numbers), max(numbers))
                assert {line["node"] for line in own} == {row["node"]}


def test_lines_that_look_like_others_count_as_what_they_are(tmp_path: Path) -> None:
    """Keys in `meta` may be those of a line; bad lines and carriage returns move no line number."""
    world = World(tmp_path)
    world.rules()
    hour = "2025-01-01T00:30:00Z"
    looks = {"resource": "hero_os/seconds", "ts": hour, "user": "alice"}
    alike = '"user":"alice","resource":"hero_os/seconds"'
    world.usage(
        b'{"v":1,\r\r"x"\n',
        usage_line(seq=1, units=1, meta={"ts": "2025-01-01T07:00:00Z", "user": "bob"}),
        usage_line(seq=2, units=2, user="bob", meta=looks),
        usage_line(seq=3, units=4, ts="2025-01-01T01:00:00Z", meta=looks),
        usage_line(seq=4, units=8, node="node-2"),
        usage_line(seq=5, units=16, resource="hero_os/seconds2"),
        usage_line(seq=6, units=32).replace(b"alice", b"ali ce"),
        usage_line(seq=7, units=-64, corrects=1, reason=alike),
        usage_line(seq=8, units=128, corrects=1, reason=alike),
        usage_line(seq=9, units=256),
        usage_line(seq=10, units=512).removesuffix(b"\n"),
    )
    world.pull()
    asked = ("explain", "alice", "hero_os/seconds", hour, "--json")
    (charge,) = world.run(*asked).ok().json
    assert_sums(charge)
    assert [(line["units"], line["line_no"]) for line in charge["lines"]] == [
        (1, 2), (-64, 8), (128, 9), (256, 10),
    ]  # fmt: skip


def test_a_line_that_claims_nothing_displaces_none(tmp_path: Path) -> None:
    """It was ahead of its commit, and would count if it had fewer units in a later one."""
    world = World(tmp_path)
    world.usage(usage_line(seq=1, units=1), when=datetime(2024, 12, 31, tzinfo=UTC))
    world.usage(usage_line(seq=1, units=2), usage_line(seq=2, units=4))
    world.pull()
    asked = ("explain", "alice", "hero_os/seconds", "2025-01-01T00", "--json")
    (charge,) = world.run(*asked).ok().json
    assert [line["units"] for line in charge["lines"]] == [2, 4]
    assert_sums(charge)


def test_only_lines_that_are_asked_for_are_kept(tmp_path: Path) -> None:
    """Up to a number they need not be asked for; the rest of the answer is always the same."""
    for number in (LINES_SHOWN_MAX, LINES_SHOWN_MAX + 1):
        world = World(tmp_path / str(number))
        world.folder.mkdir()
        world.usage(*(usage_line(seq=seq, units=seq) for seq in range(1, number + 1)))
        world.pull()
        asked = ("explain", "alice", "hero_os/seconds", "2025-01-01T00", "--json")
        (usual,), (whole,) = world.run(*asked).json, world.run(*asked, "--lines").json
        lines = whole.pop("lines")
        assert [line["seq"] for line in lines] == list(range(1, number + 1))
        assert usual.pop("lines") == (lines if number == LINES_SHOWN_MAX else None)
        assert usual == whole
        assert_sums(whole | {"lines": lines})
