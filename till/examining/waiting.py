"""How long commits of a till have waited for their push."""

from datetime import timedelta
from typing import Final

from gitmeter.support.terminal import counted
from node_pusher.doctor.findings import Finding, in_words, ok, problem, warning
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from till.intake.till import Till

LATE_WARNING: Final = timedelta(hours=1)
LATE_PROBLEM: Final = timedelta(hours=12)
"""A till pushes at once. Half of the day after which a commit is held is left to act in."""

_CHECK: Final = "waiting"
_DO: Final = (
    "`till push` says why. A commit keeps its date while it waits, and the ledger holds commits"
    " that appear more than a day after their date"
)


def check_waiting(till: Till) -> Finding:
    """Whether the oldest commit that is not pushed has waited for too long.

    Raises:
        HomeError: the repo cannot be read.
        NonFastForwardError: the branch does not build on what was pushed.
    """
    home = till.home
    with repo_errors(home.repo.path):
        waiting = LedgerRepo(home.repo).waiting()
    if not waiting:
        return ok(_CHECK, "every commit is pushed")
    waited = till.clock() - min(each.committed_at for each in waiting)
    says = f"{counted(len(waiting), 'commit')} not pushed, the oldest for {in_words(waited)}"
    if waited >= LATE_PROBLEM:
        return problem(_CHECK, says, _DO)
    if waited > LATE_WARNING:
        return warning(_CHECK, says, _DO)
    return ok(_CHECK, says)
