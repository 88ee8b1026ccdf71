"""The health of the daemon, judged from its pulse (pure)."""

from typing import Any, Final, NamedTuple

from aggregator.serving.pulse import Beat
from wire_format.instants import format_ts

LOOP_AGE_MAX_S: Final = 300
"""The loop ticks about once a second, and after each commit during long work: five minutes without
a tick are a hang, not a slow disk or many charges being repriced."""
PULL_GRACE_S: Final = 60
PULLS_LATE: Final = 2
"""One whole pull may be missed, because it takes long; after two intervals balances are old."""


class DaemonHealth(NamedTuple):
    """The result of a health check.

    Attributes:
        status: `ok`, `starting` until the first pull is complete, or `failing`.
        reasons: a sentence for each fault; empty unless failing.
    """

    status: str
    reasons: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether no action is needed."""
        return not self.reasons


def judge(beat: Beat, *, has_ledger: bool = True) -> DaemonHealth:
    """Judge the state of the loop, and whether the file of the ledger is there.

    The first pull may take as long as it needs while the loop is alive: rebuilding a ledger from
    years of git is not a fault.
    """
    reasons = []
    if beat.loop_age_s > LOOP_AGE_MAX_S:
        reasons.append(f"the loop has said nothing for {beat.loop_age_s:.0f} s")
    late_s = beat.pull_within_s * PULLS_LATE + PULL_GRACE_S
    if beat.pull_age_s is not None and beat.pull_age_s > late_s:
        reasons.append(f"the last whole pull was finished {beat.pull_age_s:.0f} s ago")
    if not has_ledger and beat.pull_age_s is not None:
        reasons.append("the file of the ledger is gone; the daemon makes it again from git")
    if reasons:
        return DaemonHealth("failing", tuple(reasons))
    return DaemonHealth("starting" if beat.pull_age_s is None else "ok")


def answer(beat: Beat, *, has_ledger: bool = True) -> dict[str, Any]:
    """The JSON of a health check: status, reasons, and the times that they are based on.

    It names no repo, node or remote, so that any monitoring may read it.
    """
    health = judge(beat, has_ledger=has_ledger)
    return {
        "status": health.status,
        "reasons": list(health.reasons),
        "tests_count": beat.tests_count,
        "started_at": format_ts(beat.started_at),
        "loop_age_s": round(beat.loop_age_s, 3),
        "pulls": beat.pulls,
        "pulled_at": None if beat.pulled_at is None else format_ts(beat.pulled_at),
        "pull_running_s": None if beat.pull_running_s is None else round(beat.pull_running_s, 3),
        "next_pull_at": None if beat.next_pull_at is None else format_ts(beat.next_pull_at),
    }
