"""Sessions of people at the pages: what their browser shows in place of a key.

A session says what was shown to sign in, and nothing of what that opens: this is judged anew at
every request, so a session ends with its key, its account or its role. Its id is 256 random bits,
of which only the hash is kept; there is a new one whenever somebody signs in.
"""

import hmac
import re
import secrets
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from aggregator.store.store import LedgerStore
from portal.access.holders import Holder, holder_of_identity, holder_of_key
from portal.records.identities import Identities
from portal.records.sessions import HolderKind, SignedIn, SignedInRows
from portal.records.unbilled import Unbilled
from wire_format.instants import to_us

LASTS: Final = timedelta(hours=12)
"""A session at most."""
FRESH: Final = timedelta(minutes=10)
"""How long somebody who signed in may do what asks for a recent sign-in."""
_BYTES: Final = 32
_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class PageSession(NamedTuple):
    """A session in force.

    Attributes:
        id: what the browser shows: a secret.
        signed_in: what was shown to begin it.
        holder: whose it is, and what opens for it now.
    """

    id: str
    signed_in: SignedIn
    holder: Holder

    def is_fresh(self, now: datetime) -> bool:
        """Whether it was signed in a moment ago; a clock that was set back makes none fresh."""
        since_us = to_us(now) - self.signed_in.signed_in_us
        return 0 <= since_us <= FRESH // timedelta(microseconds=1)


class SignedInPeople(NamedTuple):
    """Where it is looked up who is signed in.

    Attributes:
        rows: the sessions.
        identities: the people whom issuers vouch for.
        issuers: those that the operator names.
    """

    rows: SignedInRows
    identities: Identities
    issuers: frozenset[str]


def new_id() -> str:
    """An id that nobody can guess, for a session or a browser that is not signed in yet."""
    return secrets.token_urlsafe(_BYTES)


def is_id(text: str) -> bool:
    """Whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def form_token(seal: bytes, shown_id: str) -> str:
    """What the forms carry that are made for a browser, which another site cannot know.

    Args:
        seal: the portal's key.
        shown_id: the id that the browser shows.
    """
    return hmac.digest(seal, f"form\n{shown_id}".encode(), "sha256").hex()


def begin(
    rows: SignedInRows,
    holder: Holder,
    shown: tuple[HolderKind, str],
    now: datetime,
    in_place_of: str | None = None,
    shown_at: datetime | None = None,
) -> str:
    """Begin a session and return its id.

    Args:
        rows: where sessions are kept.
        holder: whose it is.
        shown: what was shown to sign in, and its name.
        now: the time.
        in_place_of: the id of the session that ends with it.
        shown_at: when it was shown, where that was not now.
    """
    made = new_id()
    shown_us, until_us = to_us(shown_at or now), to_us(now + LASTS)
    signed_in = SignedIn(*shown, holder.user, role_of(holder), shown_us, until_us)
    rows.add(_digest(made), signed_in, now, None if in_place_of is None else _digest(in_place_of))
    return made


def find(
    people: SignedInPeople,
    store: LedgerStore,
    unbilled: Unbilled,
    shown_id: str,
    now: datetime,
) -> PageSession | None:
    """The session of an id, if it is in force and what it began with still opens the same account.

    Args:
        people: where it is looked up who is signed in.
        store: the ledger.
        unbilled: lines of this portal that it may not have yet.
        shown_id: what a browser shows.
        now: the time.
    """
    if not is_id(shown_id):
        return None
    rows = people.rows
    found = rows.find(_digest(shown_id))
    if found is None or not found.signed_in_us <= to_us(now):
        return None
    if found.until_us <= to_us(now):
        end(rows, shown_id)  # or a clock that is set back would begin it again
        return None
    holder = _holder(people, store, unbilled, found, now)
    if holder is None or (holder.user, role_of(holder)) != (found.user, found.role):
        end(rows, shown_id)
        return None
    return PageSession(shown_id, found, holder)


def _holder(
    people: SignedInPeople,
    store: LedgerStore,
    unbilled: Unbilled,
    signed_in: SignedIn,
    now: datetime,
) -> Holder | None:
    """Whose a session is now; None where what it began with opens nothing."""
    name, user = signed_in.holder, signed_in.user
    if signed_in.kind == "key":
        return holder_of_key(store, unbilled, name, now)
    for each in people.identities.of(user):
        if each.name == name and each.issuer in people.issuers:
            return holder_of_identity(store, unbilled, each, now)
    return None


def end(rows: SignedInRows, shown_id: str) -> None:
    """End a session."""
    rows.end(_digest(shown_id))


def role_of(holder: Holder) -> str:
    """The role of a member of staff; empty for others."""
    return "" if holder.member is None else holder.member.role


def _digest(shown_id: str) -> str:
    return sha256(shown_id.encode()).hexdigest()
