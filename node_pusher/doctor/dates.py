"""What `doctor` checks about dates: what here shows that the clock is wrong, or was."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from gitmeter.roles.role import FACES_STRANGERS, PROGRAMS
from gitmeter.support.terminal import counted
from node_pusher.doctor.clocks import SET_CLOCK
from node_pusher.doctor.findings import Examination, Finding, in_words, ok, problem
from node_pusher.home.new_address import rollover_line
from node_pusher.repo.commit_info import CommitInfo
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.dates import (
    dated_before_records,
    future_commit,
    future_sentence,
)
from node_pusher.spool.clock import CLOCK_FLOOR
from node_pusher.spool.drafts import AHEAD_MAX
from node_pusher.spool.plan import Span
from node_pusher.spool.store import Store
from wire_format.instants import format_ts, from_us, to_us

COMMITS_EXAMINED_MAX: Final = 10_000
"""Hourly commits of more than a year."""


def check_dates(examination: Examination) -> Iterator[Finding]:
    """Whether dates in the spool and in the repo show a clock that is or was wrong.

    Raises:
        HomeError, SpoolError: the spool or the repo cannot be read.
    """
    now = examination.now
    if now < CLOCK_FLOOR:
        says = f"this machine's clock says {format_ts(now)}: nothing is recorded or committed"
        yield problem("dates", says, SET_CLOCK)
        return
    found = [*_of_spool(examination), *_of_commits(examination)]
    yield from found or [ok("dates", "nothing here is ahead of this machine's clock")]


def _of_spool(examination: Examination) -> Iterator[Finding]:
    """What the spool has from a time that is still to come."""
    home, now = examination.home, examination.now
    with Store.open(home.spool_file, home.node) as store:
        ahead = store.ahead((), to_us(now + AHEAD_MAX))
        pushed_us = store.state().last_push_us
    if ahead.records:
        until = from_us(ahead.latest_us)
        yield problem(
            "dates",
            f"{counted(ahead.records, 'record')} (seq {ahead.seqs}) dated up to {format_ts(until)},"
            f" {in_words(until - now)} ahead of this machine's clock: `push` leaves what is ahead"
            " of the clock in the spool until then",
            f"if this clock is behind: {SET_CLOCK}; if it was ahead when they were recorded:"
            " record these uses again with their true --ts, and have the operator run"
            f" `books decide exclude {home.node} {ahead.seqs}`",
        )
    elif pushed_us is not None and from_us(pushed_us) - now > AHEAD_MAX:
        ahead_by = in_words(from_us(pushed_us) - now)
        says = (
            f"the last push was at {format_ts(from_us(pushed_us))}, {ahead_by} ahead of this"
            " machine's clock, which is or was wrong"
        )
        yield problem("dates", says, SET_CLOCK)


def _way_out(examination: Examination) -> str:
    """What to do about a commit that is dated in the future."""
    repo = examination.home.repo
    if repo.role in FACES_STRANGERS:
        return (
            "set the clock if it is wrong; else go on in the next repo, because nothing more is"
            f" committed to this one until then: {rollover_line(repo)}"
        )
    return (
        "set the clock if it is wrong; else tell the operator. Later commits follow the clock"
        " again, and are billed with it once it is accepted"
    )


def _of_commits(examination: Examination) -> Iterator[Finding]:
    """Commits that the aggregator does not read yet, or whose records it holds."""
    home, now = examination.home, examination.now
    with repo_errors(home.repo.path):
        history = LedgerRepo(home.repo).history()
        newest: list[CommitInfo] = list(islice(history, COMMITS_EXAMINED_MAX))
    future = future_commit(newest, now)
    if future is not None:
        yield problem(
            "dates",
            future_sentence(future, now),
            _way_out(examination),
        )
    early = dated_before_records(newest, AHEAD_MAX)
    if early:
        seqs = Span(early[0].first, early[-1].last)
        program = PROGRAMS[home.settings.role]
        yield problem(
            "dates",
            f"records of seq {seqs} were committed under a date before their own, so the"
            " aggregator holds them",
            f"{program} --home {examination.path} resend {seqs}",
        )
