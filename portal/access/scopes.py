"""What a key opens. Pure.

A scope is a name of the list below; it may end in `*` for all that begin so. `allowed:` is followed
by the resources that a program asks about. Keys with a scope of staff are made by the books alone:
a desk's line with one does not count (`gitmeter.money.desks.desk_place`).
"""

from collections.abc import Iterable, Mapping
from typing import Final

from wire_format.plans.globs import may_meet

BALANCE: Final = "balance:read"
USAGE: Final = "usage:read"
PAYMENTS: Final = "payments:read"
KEYS: Final = "keys:write"
SETTINGS: Final = "settings:write"
PLAN: Final = "plan:write"
TOPUPS: Final = "topups:write"
ALLOWED: Final = "allowed:"
STAFF: Final = "staff"
STAFF_ALLOWED: Final = "staff:allowed:"

SCOPES: Final[Mapping[str, str]] = {
    BALANCE: "the balance, the plan with what is left of it, and grants",
    USAGE: "usage and charges, down to the line that each is of",
    PAYMENTS: "payments and statements",
    KEYS: "see, make and revoke keys, none of which opens more than this one",
    SETTINGS: "change settings",
    PLAN: "buy a plan or another one",
    TOPUPS: "begin payments",
}
"""Scopes of customers, in words."""
CUSTOMER: Final = (*SCOPES, f"{ALLOWED}*")
"""All that opens for somebody whose account it is."""


ROLES: Final[Mapping[str, str]] = {
    "support": "sees accounts, suspends and reopens them, and gives what templates allow",
    "finance": "sees accounts, revenue, what is owed and the fleet, and gives what templates allow",
    "admin": "may do all of this, and opens accounts and makes their keys",
}
"""Roles of staff, in words; any other word is no role, so `none` ends one."""


def opens(scopes: Iterable[str], wanted: str) -> bool:
    """Whether scopes of a key open what asks for a scope.

    Args:
        scopes: of the key; each may end in `*`.
        wanted: one of `SCOPES`, or `allowed:` with a resource.
    """
    return any(_covers(scope, wanted) for scope in scopes)


def are_within(scopes: Iterable[str], of: Iterable[str]) -> bool:
    """Whether a key with some scopes opens nothing that one with others does not."""
    outer = tuple(of)
    return all(any(_covers(scope, inner) for scope in outer) for inner in scopes)


def is_scope(text: str) -> bool:
    """Whether a customer's key may have a scope: a name, a beginning of names, or resources."""
    if text.startswith(ALLOWED):
        return len(text) > len(ALLOWED)
    if text.endswith("*"):
        return any(may_meet(text, name) for name in SCOPES) and not may_meet(text, STAFF)
    return text in SCOPES


def _covers(scope: str, wanted: str) -> bool:
    """Whether a scope covers another one, which may have a `*` of its own.

    What is of staff is covered only by what names staff: `s*` was hardly meant so.
    """
    if scope == wanted:
        return True
    if wanted.startswith(STAFF) and not scope.startswith(STAFF):
        return False
    return scope.endswith("*") and wanted.startswith(scope[:-1])
