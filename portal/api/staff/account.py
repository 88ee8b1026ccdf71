"""One account as its customer sees it, and more."""

from collections.abc import Callable
from typing import Final, TypeVar

from gitmeter.money.accounts import staff_at
from portal.access.holders import Holder, settled_about
from portal.access.scopes import CUSTOMER, ROLES, STAFF
from portal.api.customers.account import balance, entitled, settled_here
from portal.api.customers.keys import keys
from portal.api.models.staff import AccountFile, Why
from portal.api.problems import conflict, not_found
from portal.api.request import Asked, Form
from wire_format.instants import to_us

T = TypeVar("T", bound=Form | None)
_ADMIN: Final = "admin"


def account(asked: Asked) -> AccountFile:
    """Say everything about an account that its customer can see, and what is settled about it."""
    seen = as_customer(asked)
    settled = settled_here(seen)
    return AccountFile(
        user=seen.holder.user,
        suspended=settled.is_suspended,
        settings=dict(settled.settings),
        balance=balance(seen),
        entitlements=entitled(seen),
        keys=keys(seen).keys,
    )


def of_account(answer: Callable[[Asked], T]) -> Callable[[Asked], T]:
    """An answer to a customer, given to staff who ask about the account in the path."""

    def seen(asked: Asked) -> T:
        return answer(as_customer(asked))

    seen.__doc__ = answer.__doc__
    return seen


def acted_on(asked: Asked) -> str:
    """The account in the path, to which a member of staff is about to do something.

    Raises:
        ProblemError: the ledger has no such account, it is their own, or it is one of staff or of a
            service, whose keys open more than a customer's: these are for admins.
    """
    user, member = asked.path["user"], asked.holder.member
    if member is None or asked.store.reports.account(user) is None:
        raise not_found()
    if user == member.user:
        raise conflict("own-account", "nobody does this to an account of their own")
    if member.role != _ADMIN and _is_trusted(asked, user):
        raise conflict("needs-admin", "this account is one of staff or of a service")
    return user


def act_on(answer: Callable[[Asked], T]) -> Callable[[Asked], T]:
    """As `of_account`, for what changes something: the line says why."""

    def acted(asked: Asked) -> T:
        acted_on(asked)
        why: Why = asked.body if isinstance(asked.body, Why) else asked.query
        return answer(as_customer(asked)._replace(why=why.text))

    acted.__doc__ = answer.__doc__
    return acted


def _is_trusted(asked: Asked, user: str) -> bool:
    """Whether an account is a member of staff's, or has a key that opens what is of staff."""
    members = staff_at(asked.store.account_lines.staff(), to_us(asked.now) + 1).values()
    if any(each.user == user and each.role in ROLES for each in members):
        return True
    keys = settled_about(asked.store, asked.portal.desk.unbilled, user, asked.now).keys
    return any(scope.startswith(STAFF) for key in keys for scope in key.scopes or ())


def as_customer(asked: Asked) -> Asked:
    """The request as the customer would make it.

    Raises:
        ProblemError: the ledger has no such account.
    """
    user = asked.path["user"]
    if asked.store.reports.account(user) is None:
        raise not_found()
    settled = settled_about(asked.store, asked.portal.desk.unbilled, user, asked.now)
    holder = Holder(user, "", CUSTOMER, None, None, settled.is_suspended, asked.holder.member)
    return asked._replace(holder=holder)
