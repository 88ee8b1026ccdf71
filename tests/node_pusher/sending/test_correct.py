"""A correction fits its record, is made once, and is refused while the person is still there."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitmeter.git_remote.failures import RepoGoneError
from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import Home, new_home
from node_pusher.joining.init import init
from node_pusher.joining.trust import Vouched
from node_pusher.sending.correct import RecordedCorrection
from node_pusher.sending.correct import correct as record_correction
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.outcomes import InvalidRecordError
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import NODE, START, files_of, record
from tests.support.programs import NodePusher
from tests.support.repos import bare_repo
from wire_format.lines import Folder, Usage
from wire_format.segment import decode_segment

WHY = "counted twice"


def correct(home: Home, seq: int, **values: object) -> RecordedCorrection:
    with Spool.open(home.path, clock=lambda: START) as spool:
        return record_correction(spool, seq, **{"reason": WHY, **values})  # type: ignore[arg-type] # by name


def lines_of(remote_dir: Path) -> dict[int, Usage]:
    """Every usage line that the remote holds, each valid, by its seq."""
    found: dict[int, Usage] = {}
    for path, data in files_of(remote_dir).items():
        if path.startswith("usage/"):
            segment = decode_segment(data, Folder.USAGE)
            assert not segment.rejects
            found |= {line.seq: line for line in segment.records if isinstance(line, Usage)}
    return found


def one(home: Home, **values: object) -> int:
    """Record one use of 100 units; returns its seq."""
    use = {"user": "alice", "resource": "llm/x/y/tokens", "units": 100, "applies_to": "llm",
           "instance": "key-1", "meta": {"a": 1}}  # fmt: skip
    with Spool.open(home.path, clock=lambda: START) as spool:
        return spool.record(**{**use, **values}).seq  # type: ignore[arg-type] # by name


@pytest.mark.parametrize("sent", [False, True])
def test_a_correction_is_the_records_own_but_for_its_units(
    home: Home, remote_dir: Path, *, sent: bool
) -> None:
    seq = one(home, ts="2026-11-19T01:30:00Z")
    if sent:
        push(home, START)
    done = correct(home, seq, units=-30, id="ticket-1")
    assert (done.units_before, done.units_after, done.segments_unread) == (100, 70, 0)
    push(home, START)
    lines = lines_of(remote_dir)
    original, correction = lines[seq], lines[done.recorded.seq]
    for name in ("node", "ts", "user", "resource", "applies_to", "instance"):
        assert getattr(correction, name) == getattr(original, name), name
    assert (correction.units, correction.corrects, correction.reason) == (-30, seq, WHY)
    assert (correction.id, correction.meta) == ("ticket-1", None)


def test_a_new_total_counts_all_corrections_wherever_they_are(home: Home) -> None:
    seq = one(home)
    assert correct(home, seq, units=11).units_after == 111
    push(home, START)
    assert correct(home, seq, units=-1).units_after == 110
    done = correct(home, seq, total=40)
    assert (done.line.units, done.units_before, done.units_after) == (-70, 110, 40)
    assert correct(home, seq, total=0).line.units == -40


@pytest.mark.parametrize("sent", [False, True])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"units": 0}, "changes nothing: seq 1 is at 100"),
        ({"total": 100}, "changes nothing"),
        ({"units": -101}, "below zero"),
        ({"total": -1}, "below zero"),
        ({"seq": 4, "units": 1}, "no record of embedder-01 has seq 4"),
        ({"seq": 0, "units": 1}, "no record of embedder-01 has seq 0"),
        ({"seq": 2**60, "units": 1}, "no record of embedder-01"),
        ({"seq": 2, "units": 1}, "itself a correction, of seq 1"),
        ({"units": 1, "reason": ""}, "reason"),
        ({"units": 1, "reason": "naïve"}, "reason"),
        ({"units": 2**53}, "units"),
        ({"units": 1, "id": "a b"}, "id"),
        ({}, "either what is added or the new total"),
        ({"units": 1, "total": 1}, "either what is added or the new total"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_recorded(
    home: Home, values: dict[str, object], said: str, *, sent: bool
) -> None:
    seq = one(home)
    correct(home, seq, units=10)
    correct(home, seq, units=-10)
    if sent:
        push(home, START)
    values = {"seq": seq, **values}
    with pytest.raises(InvalidRecordError) as raised:
        correct(home, values.pop("seq"), **values)  # type: ignore[arg-type] # by name
    assert said in str(raised.value)
    assert init(home, START).next_seq == 4


@pytest.mark.parametrize("sent", [False, True])
def test_a_retry_with_the_same_id_corrects_once(home: Home, *, sent: bool) -> None:
    """Also where the first one took all there was, and where a new total was asked for."""
    first, second = one(home), one(home)
    asked: list[tuple[int, dict[str, object]]] = [
        (first, {"units": -100, "id": "a"}),
        (second, {"total": 40, "id": "b"}),
    ]
    before = [correct(home, seq, **values).recorded.seq for seq, values in asked]
    if sent:
        push(home, START)
    again = [correct(home, seq, **values).recorded for seq, values in asked]
    assert [(done.seq, done.repeated) for done in again] == [(seq, True) for seq in before]
    assert init(home, START).next_seq == 5
    for values in ({"units": -1}, {"units": -100, "reason": "other"}):
        with pytest.raises(InvalidRecordError, match=f"id: a was recorded as seq {before[0]}"):
            correct(home, first, **{"id": "a", **values})
    with pytest.raises(InvalidRecordError, match="id: a was recorded as seq 3"):
        correct(home, second, units=-1, id="a")


def test_an_old_hour_goes_out_with_new_ones(home: Home, remote_dir: Path) -> None:
    """In one segment, whatever the order of their times."""
    seq = one(home, ts="2026-08-01T00:30:00Z")
    push(home, START)
    for _ in range(8):
        one(home)
        correct(home, seq, units=1)
    assert push(home, START).committed == 1
    lines = lines_of(remote_dir)
    assert len(lines) == 1 + 2 * 8
    assert sum(line.units for line in lines.values() if seq in {line.seq, line.corrects}) == 108


def test_history_that_is_imported_by_hour_takes_corrections_too(home: Home) -> None:
    seq = one(home, ts="2026-08-01T00:30:00Z")
    correct(home, seq, units=1)
    one(home, ts="2026-08-01T05:30:00Z")
    correct(home, seq, units=1)
    assert push(home, START, by_hour=True).retired == 4


def test_a_home_that_joined_fetches_the_record_and_says_what_it_has_not_seen(
    tmp_path: Path, remote_dir: Path, home: Home
) -> None:
    seq = one(home)
    push(home, START)
    record(home)
    push(home, START)
    joined = new_home(tmp_path / "joined", NODE, Remote(remote_dir.as_uri()))
    init(joined, START, vouched=Vouched(signers_file=home.path / "allowed_signers"))
    away = remote_dir.rename(tmp_path / "away.git")
    with pytest.raises(RepoGoneError):
        correct(joined, seq, units=-1)
    away.rename(remote_dir)
    done = correct(joined, seq, units=-1)
    assert (done.units_after, done.segments_unread) == (99, 1)
    push(joined, START)
    assert lines_of(remote_dir)[done.recorded.seq].corrects == seq


@given(deltas=st.lists(st.integers(-150, 150), max_size=12), pushes=st.integers(0, 4095))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_row_of_corrections_takes_a_record_below_zero(
    tmp_path_factory: pytest.TempPathFactory, deltas: list[int], pushes: int
) -> None:
    """Whatever is asked for and whenever it is sent, what is taken is what adds up."""
    folder = tmp_path_factory.mktemp("row")
    home = new_home(folder / "home", NODE, Remote(bare_repo(folder / "remote.git").as_uri()))
    init(home, START)
    seq, stands_at = one(home), 100
    for i, delta in enumerate(deltas):
        if delta and stands_at + delta >= 0:
            stands_at += delta
            assert correct(home, seq, units=delta).units_after == stands_at
        else:
            with pytest.raises(InvalidRecordError):
                correct(home, seq, units=delta)
        if pushes >> i & 1:
            push(home, START + timedelta(seconds=i))


@pytest.fixture
def program(tmp_path: Path) -> NodePusher:
    program = NodePusher(tmp_path / "home")
    remote = bare_repo(tmp_path / "remote.git").as_uri()
    assert program("init", "--node", NODE, "--remote", remote).code == 0
    use = ("record", "--user", "alice", "--resource", "vm/small/seconds", "--units", "512")
    assert program(*use, "--applies-to", "vm").code == 0
    return program


def test_the_program_says_what_it_did(program: NodePusher) -> None:
    done = program("correct", "1", "--units", "-100", "--reason", WHY)
    assert done.out == (
        f"{NODE} seq 2 corrects seq 1 of alice: 512 - 100 = 412 units of vm/small/seconds\n"
    )
    found = program.json("correct", "1", "--to", "500", "--reason", WHY, "--id", "t-1")
    ts = found.pop("ts")
    assert found == {
        "node": NODE,
        "seq": 3,
        "corrects": 1,
        "user": "alice",
        "resource": "vm/small/seconds",
        "units": 88,
        "units_before": 412,
        "units_after": 500,
        "segments_unread": 0,
        "repeated": False,
    }
    again = program.json("correct", "1", "--to", "500", "--reason", WHY, "--id", "t-1")
    assert (again["seq"], again["repeated"], again["ts"]) == (3, True, ts)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("1", "--reason", WHY), 2),
        (("1", "--units", "1", "--to", "1", "--reason", WHY), 2),
        (("1", "--units", "1"), 2),
        (("1", "--to", "-1", "--reason", WHY), 2),
        (("0", "--units", "1", "--reason", WHY), 2),
        (("x", "--units", "1", "--reason", WHY), 2),
        (("7", "--units", "1", "--reason", WHY), 1),
        (("1", "--units", "-513", "--reason", WHY), 1),
    ],
)
def test_the_program_refuses_what_is_unclear_or_wrong(
    program: NodePusher, args: tuple[str, ...], code: int
) -> None:
    done = program("correct", *args)
    assert done.code == code, done.err
    assert json.loads(program("status", "--json").out)["next_seq"] == 2


def test_of_two_corrections_at_once_the_second_knows_of_the_first(home: Home) -> None:
    """Both look and write while nobody else can write: here they wait for another writer."""
    seq = one(home)

    def take_away(units: int) -> str:
        try:
            correct(home, seq, units=-units)
        except InvalidRecordError as error:
            return str(error)
        return "done"

    with Store.open(home.spool_file, home.node) as store, ThreadPoolExecutor(2) as pool:
        with store.exclusive():
            tries = [pool.submit(take_away, units) for units in (60, 60)]
            time.sleep(1)  # long enough for both to have looked, if they looked before they wait
        said = sorted(each.result() for each in tries)
    assert said == ["done", f"seq {seq} is at 40 units, so -60 would leave it below zero"]
