"""Lines about accounts: from what an operator enters to a line on disk.

Every line is decoded by the wire format's own reader before it is recorded, so none leaves the
books that the aggregator would reject.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from books.errors import AccountError
from books.forms import malformed
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED, Draft, draft_lines
from node_pusher.spool.outcomes import Refusal
from wire_format import fields
from wire_format.fields import VERSION_2
from wire_format.instants import format_ts
from wire_format.lines import Account, Folder
from wire_format.versions.field_types import AccountKind

_PATTERNS: Final = {
    "user": fields.USER_PATTERN,
    "plan": fields.NAME_PATTERN,
    "instead_of": fields.NAME_PATTERN,
    "fee_usd": fields.USD_PATTERN,
    "cap_usd": fields.USD_PATTERN,
    "next_plan": fields.NAME_PATTERN,
    "auto_topup_usd": fields.USD_PATTERN,
    "auto_topup_below_usd": fields.USD_PATTERN,
    "auto_topup_month_usd": fields.USD_PATTERN,
    "key_id": fields.KEY_ID_PATTERN,
    "sha256": fields.SHA256_PATTERN,
    "identity": fields.IDENTITY_PATTERN,
    "role": fields.NAME_PATTERN,
    "limit_usd": fields.USD_PATTERN,
    "reason": fields.REASON_PATTERN,
}
"""The forms of fields that a person enters."""


class RecordedAccountLine(NamedTuple):
    """A line about an account, on disk.

    Attributes:
        line: it, with its `seq`.
        repeated: whether it was recorded earlier, so that nothing was recorded now.
        is_known_key: whether these books had made its key before; a desk may have made one that
            they do not see.
    """

    line: Account
    repeated: bool
    is_known_key: bool


def new_line(spool: Spool, kind: AccountKind, **stated: Any) -> Account:  # noqa: ANN401 - fields of the line
    """A line of these books that is not recorded yet, of this moment."""
    return Account(
        v=VERSION_2, node=spool.node, seq=UNNUMBERED, ts=spool.now(), kind=kind, **stated
    )


def record_lines(spool: Spool, wanted: Sequence[Account], by: str) -> list[Account]:
    """Record lines, all of them or none, whatever was recorded before.

    Args:
        spool: of the books.
        wanted: as `new_line` makes them.
        by: who enters them, which their commit says.

    Returns:
        them, with their numbers.

    Raises:
        AccountError: one of them breaks a rule; nothing was recorded.
        SpoolError: they could not be written; nothing was recorded.
    """
    drafts = [check_line(each, by) for each in wanted]
    recorded = []
    outcomes = spool.append_drafts(Folder.ACCOUNTS, drafts, by=by) if drafts else []
    for each, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise AccountError(outcome.reason)
        recorded.append(msgspec.structs.replace(each, seq=outcome.seq))
    return recorded


def check_line(wanted: Account, by: str) -> Draft:
    """The line without its number.

    Raises:
        AccountError: it is not valid, or nobody is named as who enters it.
    """
    if not by:
        raise AccountError("by: no name is given", hint="state with --by who enters it")
    # a line that names staff may have no user, which is an empty one there
    patterns = _PATTERNS if wanted.user or wanted.kind != "staff" else _without_user()
    if wrong := malformed(wanted, patterns):
        raise AccountError("; ".join(wrong))
    draft = draft_lines([wanted], wanted.node, Folder.ACCOUNTS)[0]
    if isinstance(draft, Refusal):
        raise AccountError(draft.reason)
    return draft


def check_clock(now: datetime, known: Iterable[Account]) -> None:
    """Refuse to write before what is written already: which line is later must be certain.

    Raises:
        AccountError: the clock is behind a line of these books.
    """
    latest = max((record.ts for record in known), default=now)
    if latest > now:
        raise AccountError(
            f"these books have a line of {format_ts(latest)}, and this machine's clock says"
            f" {format_ts(now)}",
            hint="of two lines about an account the later one counts: put the clock right, and"
            " try again",
        )


def _without_user() -> dict[str, str]:
    return {name: pattern for name, pattern in _PATTERNS.items() if name != "user"}
