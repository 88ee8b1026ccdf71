"""Voids: what is left of a grant with terms pays for nothing from an hour on."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

from books.earlier_lines import bring_here
from books.errors import MoneyError
from books.forms import malformed
from books.known.money import KnownMoney, read_money
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED, draft_lines
from node_pusher.spool.outcomes import Refusal
from wire_format import fields
from wire_format.fields import MANUAL, VERSION_2
from wire_format.instants import format_ts, hour_of, hour_start
from wire_format.lines import Folder, Money

_PATTERNS = {
    "of_provider": fields.PROVIDER_PATTERN,
    "of_ref": fields.REFERENCE_PATTERN,
    "reason": fields.REASON_PATTERN,
}


@dataclass(frozen=True)
class WantedVoid:
    """A grant that somebody ends.

    Attributes:
        reference: of the grant.
        reason: why.
        provider: of the grant.
        from_: the first hour in which it pays for nothing more; the hour of now if None.
        is_unseen: these books need not have the grant: a desk recorded it.
    """

    reference: str
    reason: str
    provider: str = MANUAL
    from_: datetime | None = None
    is_unseen: bool = False


class RecordedVoid(NamedTuple):
    """A void on disk.

    Attributes:
        line: it.
        repeated: whether it was recorded earlier, so that nothing was recorded now.
    """

    line: Money
    repeated: bool


def record_void(spool: Spool, wanted: WantedVoid, by: str) -> RecordedVoid:
    """End a grant, unless a void of these books ends it in that hour or before.

    Args:
        spool: of the books.
        wanted: the grant, and from when on.
        by: who ends it.

    Raises:
        MoneyError: there is no such grant with terms, it ends before, or a field has a wrong form.
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
        SpoolError: it could not be written; nothing was recorded.
    """
    if not by:
        raise MoneyError("by: no name is given", hint="state with --by who enters it")
    home = reread(spool.home)
    bring_here(home)
    with spool.store.exclusive():
        known = read_money(home, spool).concerning([wanted.reference], None)
        grant = _grant(wanted, known)
        line = _line(spool, wanted, grant)
        if wrong := malformed(line, _PATTERNS):
            raise MoneyError("; ".join(wrong))
        if (there := _ended(line, known)) is not None:
            return RecordedVoid(_same(there, wanted), repeated=True)
        if grant is not None and grant.until is not None and line.from_ >= grant.until:  # type: ignore[operator] # `_line` states it
            raise MoneyError(
                f"the grant of seq {grant.seq} ends at {format_ts(grant.until)} by itself",
                hint="nothing was recorded; state --from to end it before",
            )
        draft = draft_lines([line], spool.node, Folder.PAYMENTS)[0]
        if isinstance(draft, Refusal):
            raise MoneyError(draft.reason)
        outcome = spool.append_drafts(Folder.PAYMENTS, [draft], by=by)[0]
    if isinstance(outcome, Refusal):
        raise MoneyError(outcome.reason)
    return RecordedVoid(msgspec.structs.replace(line, seq=outcome.seq), repeated=False)


def _grant(wanted: WantedVoid, known: KnownMoney) -> Money | None:
    """The grant, where these books have it."""
    key = (wanted.provider, wanted.reference, "grant")
    for record in known.admitted:
        if (record.provider, record.external_ref, record.kind) != key:
            continue
        if record.v == VERSION_2:
            return record
        raise MoneyError(
            f"seq {record.seq} is a grant without terms: it lies in the pool, and does not end",
            hint=f'`books adjust {record.user} -{record.amount} --reason "..."` takes it back',
        )
    for record, reason, excluding in known.left_out:
        if (record.provider, record.external_ref, record.kind) == key:
            by = "" if excluding is None else f": seq {excluding.seq}, {excluding.reason}"
            raise MoneyError(
                f"seq {record.seq} is a grant that does not count: {reason.meaning}{by}",
                hint="nothing is left to end",
            )
    if wanted.is_unseen:
        return None
    raise MoneyError(
        f"no grant of these books has the reference {wanted.reference}",
        hint="`books log` shows references; a grant of a desk, which these books do not see, is"
        " ended with --unseen",
    )


def _line(spool: Spool, wanted: WantedVoid, grant: Money | None) -> Money:
    now = spool.now()
    return Money(
        v=VERSION_2,
        node=spool.node,
        seq=UNNUMBERED,
        ts=now,
        user="" if grant is None else grant.user,
        kind="void",
        of_provider=wanted.provider,
        of_ref=wanted.reference,
        from_=wanted.from_ or hour_start(hour_of(now)),
        reason=wanted.reason,
    )


def _ended(line: Money, known: KnownMoney) -> Money | None:
    """The void that ends the grant first, if it does so by the hour of a new one."""
    about = (line.kind, line.of_provider, line.of_ref)
    voids = [r for r in known.admitted if (r.kind, r.of_provider, r.of_ref) == about]
    first = min(voids, key=lambda r: (r.from_, r.seq), default=None)
    if first is None or first.from_ is None or line.from_ is None or first.from_ > line.from_:
        return None
    return first


def _same(there: Money, wanted: WantedVoid) -> Money:
    """The void that is there, unless a later hour was asked for: the first one counts."""
    if wanted.from_ is None or there.from_ is None or there.from_ == wanted.from_:
        return there
    raise MoneyError(
        f"seq {there.seq} ends the grant from {format_ts(there.from_)} on already: of several voids"
        " the first hour counts",
        hint=f'`books decide exclude {there.node} {there.seq} --reason "..."` takes that one back',
    )
