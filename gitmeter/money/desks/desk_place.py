"""What its place lets a desk write, beyond what holds for tills too. Pure."""

import re
from typing import Final

from gitmeter.counting.held import HeldReason
from gitmeter.money.desks.templates import template_fault
from gitmeter.money.places import MoneyLimits, place_fault
from wire_format.lines import Account, Money

_NEW_ACCOUNT: Final = re.compile(r"[a-z0-9][a-z0-9-]{7,63}")
"""An id that a desk may open an account under; accounts that are older keep other ids."""
_BY: Final = re.compile(r"staff:[A-Za-z0-9._-]{1,64}|customer:[!#-?A-\[\]-~]{1,256}")
_STAFF: Final = "staff"
_STAFF_SCOPE: Final = re.compile(rf"{_STAFF}(?![a-z0-9])")


def desk_fault(
    record: Money | Account, role: str, committed_us: int, limits: MoneyLimits
) -> HeldReason | None:
    """Why a line of a desk claims nothing in a commit, or None when it may be there.

    Args:
        record: the line, well-formed.
        role: of its repo, `desk`.
        committed_us: the time of the commit, microseconds since 1970.
        limits: what it is judged by.
    """
    if (fault := place_fault(record, role, committed_us, limits)) is not None:
        return fault
    if record.by is not None and _BY.fullmatch(record.by) is None:
        return HeldReason.NOT_ALLOWED
    if isinstance(record, Account):
        return None if _may_state(record) else HeldReason.NOT_ALLOWED
    if any("@" in (reference or "") for reference in (record.external_ref, record.of_ref)):
        return HeldReason.NOT_ALLOWED
    return template_fault(record, committed_us, limits.writers)


def _may_state(record: Account) -> bool:
    if record.kind == "open":
        return _NEW_ACCOUNT.fullmatch(record.user) is not None
    return not any(map(_opens_staff, record.scopes or ()))


def _opens_staff(scope: str) -> bool:
    """Whether a scope is one of staff, or a glob that matches one."""
    before_star, star, _ = scope.partition("*")
    if star and _STAFF.startswith(before_star):
        return True
    return _STAFF_SCOPE.match(scope) is not None
