"""Keys of an account: which are in force, making one, and revoking one for ever."""

from datetime import datetime
from typing import Final

from gitmeter.keys.secret import make_key
from portal.access.holders import settled_about
from portal.access.scopes import are_within, is_scope
from portal.api.models.keys import AccountKey, KeyList, KeyMade, KeyWanted
from portal.api.problems import conflict, invalid, not_found
from portal.api.request import Asked
from wire_format.instants import (
    InvalidInstantError,
    format_ts,
    hour_of,
    hour_start,
    parse_ts,
)
from wire_format.lines import Account

KEYS_MAX: Final = 20
"""Keys in force of one account."""


def keys(asked: Asked) -> KeyList:
    """List the keys that are in force; none shows its secret again."""
    return KeyList(keys=[_key(each) for each in _in_force(asked)], most=KEYS_MAX)


def make(asked: Asked) -> KeyMade:
    """Make a key, and show its secret this once; in git is its hash alone.

    It opens nothing that the asking key does not open, ends with it at the latest, and has no more
    requests in a minute. It is in force at once.
    """
    wanted: KeyWanted = asked.body
    scopes = tuple(sorted(set(wanted.scopes)))
    if unknown := [scope for scope in scopes if not is_scope(scope)]:
        raise invalid(f"scopes: there is no scope {', '.join(unknown)}")
    if not are_within(scopes, asked.holder.scopes):
        raise invalid("scopes: a key can open no more than the key that makes it")
    rpm, until = _rpm(asked, wanted.rpm), _until(asked, wanted.until)
    made, desk = make_key(), asked.portal.desk
    with desk.exclusive():
        if len(_in_force(asked)) >= KEYS_MAX:
            raise conflict("too-many-keys", f"an account has at most {KEYS_MAX}: revoke one first")
        wanted_line = desk.new_line(
            "key",
            asked.holder.user,
            asked.by,
            key_id=made.key_id,
            sha256=made.sha256,
            scopes=scopes,
            rpm=rpm,
            until=until,
            reason=asked.why,
        )
        line = desk.record([wanted_line])[0]
    asked.portal.wake()
    return KeyMade(**dict(_key(line)), key=made.secret)


def revoke(asked: Asked) -> None:
    """Revoke a key for ever: it opens nothing from now on.

    Other portals follow once their aggregator has pulled. A key that is revoked already stays so.
    """
    desk, key_id = asked.portal.desk, asked.path["key_id"]
    with desk.exclusive():
        if all(key_id != each.key_id for each in _in_force(asked)):
            raise not_found()
        stated = {"key_id": key_id, "reason": asked.why}
        desk.record([desk.new_line("revoke", asked.holder.user, asked.by, **stated)])
    asked.portal.wake()


def _in_force(asked: Asked) -> tuple[Account, ...]:
    unbilled, user = asked.portal.desk.unbilled, asked.holder.user
    return settled_about(asked.store, unbilled, user, asked.now).keys


def _rpm(asked: Asked, wanted: int | None) -> int | None:
    """Most requests in a minute of a key: of a customer's no more than of the one that makes it."""
    holder = asked.holder
    if holder.member is not None:
        return wanted
    most = holder.rpm or asked.portal.config.rpm
    if wanted is not None and wanted > most:
        raise invalid(f"rpm: a key can have no more than the key that makes it: {most}")
    return holder.rpm if wanted is None else wanted


def _until(asked: Asked, text: str | None) -> datetime | None:
    """When a new key ends: with the one that makes it at the latest."""
    latest = asked.holder.until
    if text is None:
        return latest
    try:
        until = parse_ts(text)
    except InvalidInstantError as error:
        raise invalid(f"until: {error}") from None
    if until != hour_start(hour_of(until)) or until <= asked.now:
        raise invalid("until: must be a full hour that is still to come")
    if latest is not None and until > latest:
        raise invalid(f"until: a key ends with the key that makes it: {format_ts(latest)}")
    return until


def _key(line: Account) -> AccountKey:
    return AccountKey(
        key_id=line.key_id or "",
        scopes=list(line.scopes or ()),
        rpm=line.rpm,
        until=None if line.until is None else format_ts(line.until),
        made_at=format_ts(line.ts),
    )
