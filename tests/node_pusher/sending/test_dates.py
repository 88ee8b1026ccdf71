"""A clock that is wrong at `record` or at `push` loses nothing, and dates no commit wrongly."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.support.errors import ExitCode
from node_pusher.home.home import Home
from node_pusher.joining.trust import Vouched
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending import commit
from node_pusher.sending.commit import date_of
from node_pusher.sending.dates import dated_before_records
from node_pusher.sending.push import push
from node_pusher.sending.resend import resend
from node_pusher.spool.api import Spool
from node_pusher.spool.clock import CLOCK_FLOOR, ClockError
from node_pusher.spool.drafts import AHEAD_MAX
from node_pusher.spool.plan import Span
from tests.node_pusher.conftest import START, MakeHome, files_of, record, spool_count
from wire_format.commit_message import Summary
from wire_format.lines import Folder
from wire_format.paths import folder_of
from wire_format.segment import decode_segment

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
YEARS = timedelta(days=1500)

instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis wants them so


def seqs_sent(remote_dir: Path) -> list[int]:
    """The numbers of all records on the remote, sorted, as often as they are there."""
    return sorted(
        line.seq
        for path, data in files_of(remote_dir).items()
        if folder_of(path) is Folder.USAGE
        for line in decode_segment(data, Folder.USAGE).records
    )


def dates(home: Home) -> list[datetime]:
    """The dates of the commits of a home, newest first."""
    return [info.committed_at for info in LedgerRepo(home.repo).history()]


@given(now=instants, back=st.timedeltas(timedelta(0), HOUR), parent_at=st.none() | instants)
def test_a_commit_is_never_dated_before_its_records_nor_before_a_parent_that_can_be(
    now: datetime, back: timedelta, parent_at: datetime | None
) -> None:
    newest = now - back
    date = date_of(None, now, newest, parent_at)
    assert date >= newest
    assert date > now - SECOND
    assert date.microsecond == 0
    if parent_at is not None and parent_at - now <= AHEAD_MAX:
        assert date >= parent_at.replace(microsecond=0)
        assert date < max(now, parent_at) + SECOND
    else:
        assert date < now + SECOND


@pytest.mark.parametrize("behind", [4 * MINUTE, HOUR, timedelta(days=9)], ids=str)
def test_records_ahead_of_the_clock_wait_until_it_has_passed_them(
    home: Home, remote_dir: Path, behind: timedelta
) -> None:
    """The clock is behind at the first push; what was recorded by that clock goes at once."""
    record(home, 3)
    record(home, 1, start=START - behind)
    report = push(home, START - behind)
    assert (report.committed, report.retired, report.ahead) == (1, 1, 3)
    assert "in the spool: dated up to 2026-11-21T13:05:00Z" in report.remark
    assert "nothing is lost" in report.remark
    report = push(home, START)
    assert (report.ahead, report.remark) == (0, "")
    assert seqs_sent(remote_dir) == [1, 2, 3, 4]
    assert spool_count(home) == 0
    assert dates(home)[0] == START


def test_records_that_are_hardly_ahead_do_not_split_a_push(home: Home) -> None:
    """As of services that recorded while the push waited: one commit, which is dated like them."""
    for number in range(20):
        record(home, 1, start=START + number % 2 * commit.SEALED_AHEAD_MAX)
    report = push(home, START)
    assert (report.committed, report.retired, report.ahead) == (1, 20, 0)
    assert dates(home)[0] == START + commit.SEALED_AHEAD_MAX
    record(home, 1, start=START + commit.SEALED_AHEAD_MAX + SECOND)
    assert push(home, START).ahead == 1


def test_a_push_by_a_clock_in_1970_sends_nothing_and_says_so(home: Home) -> None:
    record(home)
    for now in (datetime(1970, 1, 1, 0, 2, tzinfo=UTC), CLOCK_FLOOR - SECOND):
        with pytest.raises(ClockError, match="clock is wrong: it says") as raised:
            push(home, now)
        assert raised.value.exit_code is ExitCode.TRY_LATER
        assert "timedatectl" in raised.value.hint
    assert push(home, START).retired == 1


def test_nothing_is_recorded_by_a_clock_in_1970(home: Home) -> None:
    """Not even with a time of the caller's own, which would be refused as ahead of the clock."""
    with Spool.open(home.path, clock=lambda: datetime(1970, 1, 1, tzinfo=UTC)) as spool:
        for ts in (None, "2026-11-21T13:05:00Z"):
            with pytest.raises(ClockError) as raised:
                spool.record(user="a", resource="r", units=1, ts=ts)
            assert raised.value.exit_code is ExitCode.TRY_LATER
    assert spool_count(home) == 0


def test_after_a_push_from_the_future_commits_follow_the_clock_again(home: Home) -> None:
    """Dated like their parent, each of them would be held like it."""
    record(home, 1, start=START + YEARS)
    assert push(home, START + YEARS).remark == ""
    assert "`aggregator incidents` names the command" in push(home, START).remark
    for now in (START, START + MINUTE):
        record(home, 1, start=now)
        report = push(home, now)
        assert ("ahead of this machine's clock" in report.remark) is (now == START)
        assert dates(home)[0] == now


def test_a_clock_that_went_back_a_little_dates_no_commit_before_its_parent(home: Home) -> None:
    record(home)
    push(home, START + 4 * MINUTE)
    record(home)
    assert push(home, START).remark == ""
    assert dates(home)[:2] == [START + 4 * MINUTE] * 2


def dated_an_hour_back(home: Home, now: datetime, patch: pytest.MonkeyPatch) -> None:
    """A push as older versions made it, when the clock was an hour behind the records."""
    with patch.context() as older:
        older.setattr(commit, "date_of", lambda *_: now - HOUR)
        push(home, now)


def test_what_was_dated_before_its_records_is_sent_again_once(
    home: Home, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home, 2)
    push(home, START)
    record(home, 3)
    dated_an_hour_back(home, START, monkeypatch)
    record(home, 2)
    report = resend(home, Span(1, 4), START)
    assert report.found == 2
    assert report.push is not None
    assert report.push.retired == 2
    assert seqs_sent(remote_dir) == [1, 2, 3, 3, 4, 4, 5, 6, 7]
    assert resend(home, Span(1, 4), START).push is None
    assert resend(home, Span(1, 99), START).found == 1
    assert seqs_sent(remote_dir) == [1, 2, 3, 3, 4, 4, 5, 5, 6, 7]
    assert spool_count(home) == 0


def test_what_waits_under_a_wrong_date_is_sent_again_too(
    home: Home, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was committed while the remote was away: its records are still in the spool."""
    record(home, 2)
    aside = remote_dir.rename(remote_dir.with_name("aside.git"))
    with pytest.raises(Exception, match="waits here for the next push"):
        dated_an_hour_back(home, START, monkeypatch)
    aside.rename(remote_dir)
    assert resend(home, Span(1, 2), START).found == 2
    assert seqs_sent(remote_dir) == [1, 1, 2, 2]
    assert spool_count(home) == 0


def test_a_home_that_took_the_node_over_sends_again_what_the_lost_one_dated_wrongly(
    make_home: MakeHome, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was joined without the contents of files, which the remote then provides."""
    lost = make_home("lost")
    record(lost, 3)
    dated_an_hour_back(lost, START, monkeypatch)
    (tmp := lost.path.with_name("key")).write_bytes((lost.path / "allowed_signers").read_bytes())
    home = make_home("new", vouched=Vouched(signers_file=tmp))
    assert resend(home, Span(1, 3), START).found == 3
    assert seqs_sent(remote_dir) == [1, 1, 2, 2, 3, 3]


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.integers(0, 8), st.booleans()), max_size=12, unique=True
    )
)
def test_only_what_no_sound_commit_has_is_sent_again(
    commits: list[tuple[int, int, bool]],
) -> None:
    """A function of the set of commits; compared number by number."""
    infos = [
        CommitInfo(
            "", "", int(START.timestamp()) - (60 if early else 0),
            Summary("n", first, first + more, more + 1, START - HOUR, START),
        )
        for first, more, early in commits
    ]  # fmt: skip
    spans = dated_before_records(infos)
    in_commits = {
        is_early: {
            seq
            for first, more, early in commits
            if early is is_early
            for seq in range(first, first + more + 1)
        }
        for is_early in (True, False)
    }
    named = [seq for span in spans for seq in range(span.first, span.last + 1)]
    assert named == sorted(in_commits[True] - in_commits[False])
    assert dated_before_records(reversed(infos)) == spans
    assert dated_before_records(infos, 2 * MINUTE) == []
