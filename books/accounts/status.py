"""Suspending accounts, revoking keys, and naming staff; what is said twice is recorded once."""

import msgspec

from books.accounts.known import bring_here, known_lines
from books.accounts.recording import (
    RecordedAccountLine,
    check_clock,
    check_line,
    record_lines,
)
from books.errors import AccountError
from node_pusher.home.settings_file import reread
from node_pusher.spool.api import Spool
from wire_format.lines import Account

_SAID = (
    *("user", "kind", "key_id", "identity", "role", "limit_usd"),
    *("sha256", "scopes", "rpm", "until"),
)
_OF_ONE_USER = frozenset({"suspend", "reopen", "setting"})
"""Kinds for which lines about other accounts do not matter."""


def record_once(spool: Spool, wanted: Account, by: str) -> RecordedAccountLine:
    """Record a line, unless the latest of these books on the matter says the same.

    A `reopen` and a `setting` are recorded always: a desk may have said otherwise since, and the
    books do not read its lines.

    Args:
        spool: of the books.
        wanted: as `books.accounts.recording.new_line` makes it; its time becomes that of recording.
        by: who enters it.

    Raises:
        AccountError: it breaks a rule, or contradicts what these books have.
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
        SpoolError: it could not be written; nothing was recorded.
    """
    check_line(wanted, by)
    home = reread(spool.home)
    bring_here(home)
    with spool.store.exclusive():
        known = known_lines(home, spool, wanted.user if wanted.kind in _OF_ONE_USER else None)
        wanted = msgspec.structs.replace(wanted, ts=spool.now())
        check_clock(wanted.ts, known)
        _refuse_another_s(wanted, known)
        is_known = _knows_key(wanted, known)
        there = _same(wanted, known)
        if there is not None:
            return RecordedAccountLine(there, repeated=True, is_known_key=is_known)
        line = record_lines(spool, [wanted], by)[0]
        return RecordedAccountLine(line, repeated=False, is_known_key=is_known)


def _same(wanted: Account, known: list[Account]) -> Account | None:
    """The line that says the same already, and that no later line of these books takes back."""
    if wanted.kind in {"reopen", "setting"}:
        return None
    matter = [record for record in known if _matter(record) == _matter(wanted)]
    latest = max(matter, key=lambda record: (record.ts, record.seq), default=None)
    return latest if latest is not None and _says(latest) == _says(wanted) else None


def _matter(record: Account) -> tuple[str, ...]:
    """What a line is about: of two about the same, the later one counts."""
    if record.kind in {"suspend", "reopen"}:
        return record.user, "suspend"
    if record.kind == "staff":
        return "", "staff", record.identity or ""
    return record.user, record.kind, record.key_id or ""


def _says(record: Account) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in _SAID)


def _refuse_another_s(wanted: Account, known: list[Account]) -> None:
    """Refuse a key that is there with another meaning, and to revoke one of somebody else."""
    keys = [each for each in known if each.kind == "key" and each.key_id == wanted.key_id]
    if wanted.kind == "key":
        for key in keys:
            if _says(key) != _says(wanted):
                raise AccountError(
                    f"seq {key.seq} has the key {key.key_id} already, as one of {key.user} with"
                    " other terms: neither would open anything",
                    hint="make another key; this one can be revoked with `books key revoke"
                    f" {key.user} {key.key_id}`",
                )
        name = ("revoke", wanted.user, wanted.key_id)
        if any((r.kind, r.user, r.key_id) == name for r in known):
            raise AccountError(
                f"the key {wanted.key_id} was revoked, which is for ever", hint="make another key"
            )
    if wanted.kind == "revoke" and keys and all(key.user != wanted.user for key in keys):
        raise AccountError(
            f"the key {wanted.key_id} is one of {keys[0].user}, not of {wanted.user}",
            hint="a key is revoked in the name of its own user",
        )


def _knows_key(wanted: Account, known: list[Account]) -> bool:
    """Whether these books made the key of a line."""
    key = ("key", wanted.user, wanted.key_id)
    return wanted.key_id is not None and any((r.kind, r.user, r.key_id) == key for r in known)
