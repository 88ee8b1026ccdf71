"""Correcting a record: a line that adds units to an earlier one, or takes some off it.

The aggregator counts a correction only if user, resource, category and instant are those of its
original, and if all corrections together leave it at zero or above. What is known of that here is
checked here, while the person who typed it can still change it.
"""

from typing import NamedTuple

from node_pusher.home.home import Home
from node_pusher.home.settings_file import reread
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.earlier_lines import Corrections, find_corrections, find_line, open_repos
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.outcomes import InvalidRecordError, Recorded, Refusal
from node_pusher.spool.store import Store
from wire_format.fields import VERSION
from wire_format.lines import Folder, Usage


class CorrectionRequest(NamedTuple):
    """A correction that a person or service asks for; states either `units` or `total`.

    Attributes:
        seq: the record.
        reason: why; printable ASCII, at most 200 characters.
        units: what is added to its quantity; may be negative.
        total: its new quantity, with all corrections.
        id: the caller's own key, so that a retry corrects once.
    """

    seq: int
    reason: str
    units: int | None = None
    total: int | None = None
    id: str | None = None


class CorrectionPlan(NamedTuple):
    """A correction that agrees with what is known here.

    Attributes:
        line: to be recorded, with `seq` set to `node_pusher.spool.drafts.UNNUMBERED`.
        units_before: the record's quantity without it.
        segments_unread: how many segments that may contain more corrections are not on this
            machine.
        recorded: the earlier record of the same correction with the same id; None if new.
    """

    line: Usage
    units_before: int
    segments_unread: int
    recorded: Recorded | None


class RecordedCorrection(NamedTuple):
    """A correction that is on disk.

    Attributes:
        recorded: its own number; `ts` is that of the record it corrects.
        line: its content; its own `seq` is in `recorded`.
        units_before: the record's quantity without it.
        units_after: the record's quantity with it.
        segments_unread: how many segments that may contain more corrections are not on this
            machine, and so were not counted.
    """

    recorded: Recorded
    line: Usage
    units_before: int
    units_after: int
    segments_unread: int


def correct(
    spool: Spool,
    seq: int,
    *,
    reason: str,
    units: int | None = None,
    total: int | None = None,
    id: str | None = None,  # noqa: A002 - the field's own name
) -> RecordedCorrection:
    """Correct an earlier record of this node; state either what to add or the new total.

    Args:
        spool: the node's spool.
        seq: the record's number.
        reason: why; printable ASCII, at most 200 characters.
        units: what is added to its quantity; may be negative.
        total: its new quantity, with all corrections; 0 cancels the record.
        id: your own key: a correction repeated with the same id is recorded once.

    Raises:
        InvalidRecordError: there is no such record, or it cannot be corrected so; see
            `plan_correction`.
        HomeError: the repo of the home cannot be read by this user.
        RemoteError: the record is in a file that only the remote has, and it does not provide it.
        SpoolError: it could not be written; nothing was recorded.
    """
    wanted = CorrectionRequest(seq, reason, units, total, id)
    home = reread(spool.home)
    plan_correction(home, spool.store, wanted)  # fetches what is not here, which may take long
    with spool.store.exclusive():  # of two at once, the second one knows of the first
        planned = plan_correction(home, spool.store, wanted)
        outcome = planned.recorded or spool.append(Folder.USAGE, [planned.line])[0]
    return _corrected(planned, outcome)


def plan_correction(home: Home, store: Store, wanted: CorrectionRequest) -> CorrectionPlan:
    """Check a correction against what is known here, and make its line.

    Raises:
        InvalidRecordError: the record is unknown or is itself a correction, or would be below zero;
            or the correction changes nothing, or its id was used for another one.
        HomeError: the repo of the home cannot be read.
        RemoteError: the home was joined without file contents, and the remote does not provide the
            one with the record.
    """
    with repo_errors(home.repo.path):
        repos = open_repos(home)
        original = find_line(store, repos, Folder.USAGE, wanted.seq)
        if not isinstance(original, Usage):
            raise InvalidRecordError(
                f"no record of {home.node} has seq {wanted.seq}",
                hint="`node-pusher log` lists commits with their numbers, `git show` their lines",
            )
        if original.corrects is not None:
            raise InvalidRecordError(
                f"seq {wanted.seq} is itself a correction, of seq {original.corrects}",
                hint=f"correct seq {original.corrects} once more",
            )
        return _planned(original, wanted, find_corrections(store, repos, wanted.seq))


def _planned(original: Usage, wanted: CorrectionRequest, known: Corrections) -> CorrectionPlan:
    again = [line for line in known.lines if wanted.id is not None and line.id == wanted.id]
    before = original.units + sum(line.units for line in known.lines if line not in again)
    units = _units(wanted, before)
    line = Usage(
        v=VERSION,
        node=original.node,
        seq=UNNUMBERED,
        ts=original.ts,
        user=original.user,
        resource=original.resource,
        applies_to=original.applies_to,
        units=units,
        instance=original.instance,
        id=wanted.id,
        corrects=wanted.seq,
        reason=wanted.reason,
    )
    recorded = None
    for earlier in again:
        if (earlier.units, earlier.reason) != (units, wanted.reason):
            raise InvalidRecordError(
                f"id: {wanted.id} was recorded as seq {earlier.seq} with other content"
            )
        recorded = Recorded(earlier.node, earlier.seq, earlier.ts, repeated=True)
    return CorrectionPlan(line, before, known.segments_unread, recorded)


def _units(wanted: CorrectionRequest, before: int) -> int:
    if (wanted.units is None) == (wanted.total is None):
        raise InvalidRecordError("a correction takes either what is added or the new total")
    units = wanted.units if wanted.total is None else wanted.total - before
    if not units:
        raise InvalidRecordError(
            f"it changes nothing: seq {wanted.seq} is at {before} units already"
        )
    if before + units < 0:
        raise InvalidRecordError(
            f"seq {wanted.seq} is at {before} units, so {units} would leave it below zero",
            hint="a total of 0 takes all of it away",
        )
    return units


def _corrected(planned: CorrectionPlan, outcome: Recorded | Refusal) -> RecordedCorrection:
    """The outcome of a planned correction.

    Raises:
        InvalidRecordError: it breaks a rule of the wire format, or its id has other content.
    """
    if isinstance(outcome, Refusal):
        raise InvalidRecordError(outcome.reason)
    after = planned.units_before + planned.line.units
    return RecordedCorrection(
        outcome, planned.line, planned.units_before, after, planned.segments_unread
    )
