"""What `doctor` checks on the remote: that it answers, matches, takes pushes, and its clock."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gitmeter.git_remote.branch import BranchStatus, read_branch
from gitmeter.git_remote.push import push
from gitmeter.git_remote.remote import Transport
from gitmeter.http_edge.client import ExchangeError
from gitmeter.support.terminal import counted
from node_pusher.doctor.clocks import compare_clocks, date_of
from node_pusher.doctor.findings import Examination, Finding, in_words, ok, problem, warning
from node_pusher.doctor.system import clock_is_synchronised
from node_pusher.home.new_address import naming_new_address
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.spool.drafts import AHEAD_MAX

TIMEOUT_S: Final = 15


def check_remote(examination: Examination) -> Iterator[Finding]:
    """Which commit the branch of the remote is at, and what a push would send.

    Raises:
        RemoteError: it does not answer, is missing or denies access.
        NonFastForwardError: it has commits that this home did not make.
        HomeError: the repo here cannot be read.
    """
    here = examination.home.repo
    with naming_new_address(examination.home):
        seen = read_branch(here.remote, here.branch, TIMEOUT_S)
    with repo_errors(here.path):
        waiting = LedgerRepo(here).above(seen.commit)
    if seen.commit is None:
        what = "is empty" if seen.status is BranchStatus.EMPTY else f"has no {here.branch}"
        yield problem(
            "remote",
            f"{here.remote.url} {what}, though this home claimed its numbers there",
            "find out who emptied it before anything is pushed; what was billed stays billed",
        )
    elif waiting:
        count = counted(len(waiting), "commit")
        yield ok("remote", f"answers; {count} here build on its {seen.commit[:12]}")
    else:
        yield ok("remote", f"answers; it is at {seen.commit[:12]}, like this home")


def check_write(examination: Examination) -> Iterator[Finding]:
    """Whether the remote accepts pushes of this home, as far as a dry run shows.

    Raises:
        RemoteError: it does not answer or denies access.
        HomeError: the repo here cannot be read.
    """
    here = examination.home.repo
    with repo_errors(here.path):
        tip = LedgerRepo(here).tip
    if tip is None:
        yield warning("write", "nothing was committed yet, so a push cannot be tried", "`push`")
        return
    refspec = f"{tip}:refs/heads/{here.branch}"
    options = ("--dry-run",)
    with naming_new_address(examination.home):
        refused = push(here.remote, here.path, (refspec,), timeout_s=TIMEOUT_S, options=options)
    if refused is None:
        yield ok("write", "this home may push; rules for the branch apply only to a real push")
        return
    found = f"a push would be refused: {refused.reason}"
    yield problem("write", found, "see what the check `remote` says")


def check_clock(examination: Examination) -> Iterator[Finding]:
    """This machine's clock against the server's; if that shows none, whether it is synchronised."""
    if examination.home.repo.remote.transport not in {Transport.HTTP, Transport.HTTPS}:
        yield clock_is_synchronised()
        return
    theirs = _date_of(examination.home.repo.remote.url)
    if theirs is None:
        yield clock_is_synchronised()
        return
    ours = examination.now + timedelta(seconds=time.monotonic() - examination.started_s)
    limit = in_words(AHEAD_MAX)
    too_far = f"; beyond {limit} the aggregator holds records"
    server = examination.home.repo.remote.url
    yield from compare_clocks(ours - theirs, server, too_far, "the remote's")


def _date_of(url: str) -> datetime | None:
    try:
        return date_of(f"{url}/info/refs?service=git-upload-pack", TIMEOUT_S)
    except ExchangeError:
        return None  # the check `remote` says what is wrong
