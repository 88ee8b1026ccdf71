"""Whose a key is and what it opens, by the ledger and by this portal's own lines.

It is judged at every request, so a key that is revoked opens nothing from the next one on: at once
at the portal where it was revoked, and at others as soon as their ledger has the line.
"""

from datetime import datetime
from typing import NamedTuple

from aggregator.store.store import LedgerStore
from gitmeter.money.accounts import (
    AccountAt,
    AccountEntry,
    StaffMember,
    account_at,
    contested_keys,
    staff_at,
)
from portal.access.scopes import ROLES, STAFF, opens
from portal.records.unbilled import Unbilled
from wire_format.instants import to_us


class Holder(NamedTuple):
    """Who asks with a key.

    Attributes:
        user: whose key it is.
        key_id: its name.
        scopes: what it opens.
        rpm: most requests in a minute with it; None where it states no number.
        until: when the key ends; None for never.
        settled: what is settled about the account.
        member: which member of staff; None of a customer or a service.
    """

    user: str
    key_id: str
    scopes: tuple[str, ...]
    rpm: int | None
    until: datetime | None
    settled: AccountAt
    member: StaffMember | None = None

    @property
    def is_suspended(self) -> bool:
        """Whether services refuse the account."""
        return self.settled.is_suspended

    def may(self, scope: str) -> bool:
        """Whether the key opens what asks for a scope."""
        return opens(self.scopes, scope)


def holder_of(store: LedgerStore, unbilled: Unbilled, sha256: str, now: datetime) -> Holder | None:
    """Whose a key is; None where it opens nothing.

    Args:
        store: the ledger.
        unbilled: lines of this portal that it may not have yet.
        sha256: the hash of the key.
        now: the time.
    """
    here = _not_read(store, unbilled.claims(sha256))
    claims = [*store.account_lines.keys([sha256]).values(), *here]
    contested = contested_keys(claims)
    users = {claim.record.user for claim in claims if claim.record not in contested}
    if len(users) != 1:
        return None
    user = users.pop()
    settled = settled_about(store, unbilled, user, now)
    key = next((each for each in settled.keys if each.sha256 == sha256), None)
    if key is None or key in contested:
        return None
    scopes = key.scopes or ()
    member = _member(store, user, now) if STAFF in scopes else None
    return Holder(user, key.key_id or "", scopes, key.rpm, key.until, settled, member)


def _member(store: LedgerStore, user: str, now: datetime) -> StaffMember | None:
    """Which member of staff has an account; None where none has, or the role is one of nobody.

    Where several say so, the first by identity.
    """
    members = staff_at(store.account_lines.staff(), to_us(now) + 1)
    own = (each for _, each in sorted(members.items()) if each.user == user)
    return next((each for each in own if each.role in ROLES), None)


def settled_about(store: LedgerStore, unbilled: Unbilled, user: str, now: datetime) -> AccountAt:
    """What is settled about an account, with what was written here a moment ago."""
    entries = store.account_lines.counted(user) + _not_read(store, unbilled.about(user))
    return account_at(entries, to_us(now) + 1)


def _not_read(store: LedgerStore, entries: list[AccountEntry]) -> list[AccountEntry]:
    """The lines that the ledger has not read; of the others it says itself whether they count."""
    if not entries:
        return []
    node = store.repos.find_node(entries[0].record.node)
    if node is None:
        return entries
    read = store.lines.seen_among(node, [entry.record.seq for entry in entries])
    return [entry for entry in entries if entry.record.seq not in read]
