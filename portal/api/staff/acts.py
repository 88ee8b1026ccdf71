"""Suspending, reopening and opening accounts; every act names who did it, why, and the ticket."""

import secrets
from typing import Final

from gitmeter.money.accounts import AccountEntry, account_at
from portal.access.holders import entries_about, settled_about
from portal.api.models.staff import OpeningWanted, Why, Written
from portal.api.problems import conflict
from portal.api.request import Asked
from portal.api.staff.account import acted_on
from wire_format.instants import format_ts, to_us
from wire_format.lines import Account, Money
from wire_format.versions.field_types import AccountKind

_ID_BYTES: Final = 8


def suspend(asked: Asked) -> Written:
    """Suspend an account: services are told to serve it no more. Money is not touched."""
    return _settle(asked, is_suspended=True)


def reopen(asked: Asked) -> Written:
    """Reopen an account that this desk suspended; what the books suspended they reopen."""
    return _settle(asked, is_suspended=False)


def open_account(asked: Asked) -> Written:
    """Open an account under an id that says nothing about a person."""
    wanted: OpeningWanted = asked.body
    user = wanted.user or new_user()
    desk = asked.portal.desk
    with desk.exclusive():
        is_there = asked.store.reports.account(user) is not None or desk.unbilled.about(user)
        if is_there:
            raise conflict("exists", f"there is an account {user}")
        line = desk.record([desk.new_line("open", user, asked.by, reason=wanted.text)])[0]
    asked.portal.wake()
    return written(line)


def new_user() -> str:
    """An id for an account, made by chance, which says nothing about a person."""
    return f"c-{secrets.token_hex(_ID_BYTES)}"


def _is_suspended_with(asked: Asked, user: str, line: Account) -> bool:
    """Whether an account stays suspended with a line: a desk reopens only what it suspended."""
    desk = asked.portal.desk
    entries = entries_about(asked.store, desk.unbilled, user)
    entries.append(AccountEntry(line, is_books=False))
    return account_at(entries, to_us(line.ts) + 1).is_suspended


def written(line: Account | Money) -> Written:
    """Name a line that was written."""
    return Written(
        user=line.user, kind=line.kind, node=line.node, seq=line.seq, at=format_ts(line.ts)
    )


def _settle(asked: Asked, *, is_suspended: bool) -> Written:
    wanted: Why = asked.body
    user, desk = acted_on(asked), asked.portal.desk
    with desk.exclusive():
        settled = settled_about(asked.store, desk.unbilled, user, asked.now)
        if settled.is_suspended is is_suspended:
            state = "suspended" if is_suspended else "open"
            raise conflict(f"is-{state}", f"the account is {state} already")
        kind: AccountKind = "suspend" if is_suspended else "reopen"
        wanted_line = desk.new_line(kind, user, asked.by, reason=wanted.text)
        if not is_suspended and _is_suspended_with(asked, user, wanted_line):
            detail = "others suspended the account: the books, or another desk, reopen it"
            raise conflict("suspended-by-others", detail)
        line = desk.record([wanted_line])[0]
    asked.portal.wake()
    return written(line)
