"""Who asks and what it opens for them, by the ledger and by this portal's own lines.

It is judged at every request, so a key that is revoked opens nothing from the next one on: at once
at the portal where it was revoked, and at others as soon as their ledger has the line.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple

from aggregator.store.store import LedgerStore
from gitmeter.money.accounts import (
    AccountAt,
    AccountEntry,
    StaffMember,
    account_at,
    contested_keys,
    staff_at,
)
from portal.access.scopes import CUSTOMER, ROLES, STAFF, opens
from portal.records.identities import Identity
from portal.records.unbilled import Unbilled
from wire_format.instants import to_us
from wire_format.versions.field_types import AccountKind

_OF_KEYS: Final[tuple[AccountKind, ...]] = ("key", "revoke", "suspend", "reopen")
"""What decides whether a key opens anything: settings, of which there may be many, do not."""


class Holder(NamedTuple):
    """Who asks, with a key or as an identity that an issuer vouches for.

    Attributes:
        user: whose account it is.
        name: of the key, or of the identity at this portal: what lines and limits name.
        scopes: what it opens.
        rpm: most requests in a minute with it; None where it states no number.
        until: when the key ends; None for never, and of an identity.
        is_suspended: whether services refuse the account.
        member: which member of staff; None of a customer or a service.
        is_key: whether it is a key.
    """

    user: str
    name: str
    scopes: tuple[str, ...]
    rpm: int | None
    until: datetime | None
    is_suspended: bool
    member: StaffMember | None = None
    is_key: bool = True

    def may(self, scope: str) -> bool:
        """Whether the key opens what asks for a scope."""
        return opens(self.scopes, scope)


def holder_of_key(
    store: LedgerStore, unbilled: Unbilled, sha256: str, now: datetime
) -> Holder | None:
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
    settled = _settled(store, unbilled, user, now, _OF_KEYS)
    key = next((each for each in settled.keys if each.sha256 == sha256), None)
    if key is None or key in contested:
        return None
    scopes = key.scopes or ()
    is_staff = STAFF in scopes and not settled.is_suspended
    member = _member(store, user, now) if is_staff else None
    return Holder(user, key.key_id or "", scopes, key.rpm, key.until, settled.is_suspended, member)


def holder_of_identity(
    store: LedgerStore, unbilled: Unbilled, identity: Identity, now: datetime
) -> Holder:
    """Who a person is whom an issuer vouches for: all that their account may, and their role.

    Args:
        store: the ledger.
        unbilled: lines of this portal that it may not have yet.
        identity: the person.
        now: the time.
    """
    user = identity.user
    is_suspended = _settled(store, unbilled, user, now, _OF_KEYS).is_suspended
    member = None if is_suspended else _member(store, user, now)
    scopes = CUSTOMER if member is None else (*CUSTOMER, STAFF)
    return Holder(user, identity.name, scopes, None, None, is_suspended, member, is_key=False)


def _member(store: LedgerStore, user: str, now: datetime) -> StaffMember | None:
    """Which member of staff has an account; None where none has, or the role is one of nobody.

    Where several say so, the first by identity.
    """
    members = staff_at(store.account_lines.staff(), to_us(now) + 1)
    own = (each for _, each in sorted(members.items()) if each.user == user)
    return next((each for each in own if each.role in ROLES), None)


def settled_about(store: LedgerStore, unbilled: Unbilled, user: str, now: datetime) -> AccountAt:
    """What is settled about an account, with what was written here a moment ago."""
    return _settled(store, unbilled, user, now, None)


def _settled(
    store: LedgerStore,
    unbilled: Unbilled,
    user: str,
    now: datetime,
    kinds: Collection[AccountKind] | None,
) -> AccountAt:
    entries = entries_about(store, unbilled, user, kinds)
    # a clock that was set back must open no key again that was revoked
    latest_us = max((to_us(entry.record.ts) for entry in entries), default=0)
    return account_at(entries, max(to_us(now), latest_us) + 1)


def entries_about(
    store: LedgerStore,
    unbilled: Unbilled,
    user: str,
    kinds: Collection[AccountKind] | None = None,
) -> list[AccountEntry]:
    """The lines about an account that count, or were written here and will.

    Of the ledger's only those of some kinds, where they are stated.
    """
    return store.account_lines.counted(user, kinds) + unread_about(store, unbilled, user)


def unread_about(store: LedgerStore, unbilled: Unbilled, user: str) -> list[AccountEntry]:
    """The lines about an account that were written here and that the ledger has not read."""
    return _not_read(store, unbilled.about(user))


def _not_read(store: LedgerStore, entries: list[AccountEntry]) -> list[AccountEntry]:
    """The lines that the ledger has not read; of the others it says itself whether they count."""
    if not entries:
        return []
    node = store.repos.find_node(entries[0].record.node)
    if node is None:
        return entries
    read = store.lines.seen_among(node, [entry.record.seq for entry in entries])
    return [entry for entry in entries if entry.record.seq not in read]
