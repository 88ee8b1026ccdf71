"""One account as its customer sees it, and more."""

from collections.abc import Callable
from typing import TypeVar

from portal.access.holders import Holder, settled_about
from portal.access.scopes import ALLOWED, SCOPES
from portal.api.customers.account import balance, entitled, settled_here
from portal.api.customers.keys import keys
from portal.api.models.staff import AccountFile
from portal.api.problems import not_found
from portal.api.request import Asked, Form

T = TypeVar("T", bound=Form | None)


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


def as_customer(asked: Asked) -> Asked:
    """The request as the customer would make it.

    Raises:
        ProblemError: the ledger has no such account.
    """
    user = asked.path["user"]
    if asked.store.reports.account(user) is None:
        raise not_found()
    settled = settled_about(asked.store, asked.portal.desk.unbilled, user, asked.now)
    holder = Holder(
        user, "", (*SCOPES, f"{ALLOWED}*"), None, None, settled.is_suspended, asked.holder.member
    )
    return asked._replace(holder=holder)
