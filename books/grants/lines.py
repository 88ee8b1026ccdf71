"""The line of a grant with terms, beside what these books have under its reference. Pure.

What is not stated follows from what is there: a grant that begins now, sent again an hour later, is
the same grant.
"""

from datetime import datetime
from typing import Final

import msgspec

from books.account_money import account_of
from books.errors import MoneyError
from books.grants.terms import Terms
from books.known.money import KnownMoney
from wire_format.fields import VERSION_2
from wire_format.instants import format_ts, hour_of, hour_start
from wire_format.lines import Money
from wire_format.money import parse_nano
from wire_format.writers import Writers

_REFERENCE_LENGTH_MAX: Final = 128


def references_of(
    user: str, reference: str | None, terms: Terms, ts: datetime
) -> tuple[str, str | None]:
    """The reference of a grant, and that of the payment that it is a bonus on.

    Without a reference of its own a grant is named after its user and its first hour, so that the
    same command twice within an hour is one grant.

    Raises:
        MoneyError: no such name can be made.
    """
    paid = None if terms.bonus_on is None else terms.bonus_on[1]
    if reference is not None:
        return reference, paid
    made = f"{user}@{format_ts(terms.from_ or hour_start(hour_of(ts)))}"
    if len(made) > _REFERENCE_LENGTH_MAX:
        raise MoneyError(
            "external_ref: the name of this user is too long to make a reference of it",
            hint="state --ref: under that name the grant is known, and can be ended",
        )
    return made, paid


def with_terms(line: Money, terms: Terms, known: KnownMoney, writers: Writers) -> Money:
    """A grant of version 1 as one with terms.

    Args:
        line: the grant, with the reference that it has in the end.
        terms: of it.
        known: the lines of the books under its reference and that of its payment.
        writers: who else writes about money.

    Raises:
        MoneyError: it is a bonus on a payment that nobody records.
    """
    from_ = terms.from_ or _begun(line, known) or hour_start(hour_of(line.ts))
    if terms.bonus_on is not None:
        _refuse_unknown_payment(terms.bonus_on, known, writers)
    of_provider, of_ref = terms.bonus_on or (None, None)
    try:
        until = terms.ends(from_)
    except OverflowError:
        raise MoneyError("until: lies beyond the years that a line can state") from None
    return msgspec.structs.replace(
        line,
        v=VERSION_2,
        of_provider=of_provider,
        of_ref=of_ref,
        category=terms.category,
        priority=terms.priority,
        from_=from_,
        until=until,
        scope=terms.scope,
    )


def term_differences(line: Money, earlier: Money) -> list[str]:
    """The terms in which two grants of one reference differ."""
    is_alike = {
        "user": line.user == earlier.user,
        "amount": parse_nano(line.amount) == parse_nano(earlier.amount),
        "from": line.from_ == earlier.from_,
        "until": line.until == earlier.until,
        "priority": line.priority == earlier.priority,
        "category": line.category == earlier.category,
        "scope": line.scope == earlier.scope,
        "bonus_on": (line.of_provider, line.of_ref) == (earlier.of_provider, earlier.of_ref),
    }
    return [name for name, alike in is_alike.items() if not alike]


def terms_text(line: Money) -> str:
    """A grant with its terms, in words."""
    begins = "" if line.from_ is None else f" from {format_ts(line.from_)}"
    ends = "" if line.until is None else f" until {format_ts(line.until)}"
    scope = "" if line.scope is None else f" for {' '.join(line.scope)}"
    bonus = "" if line.of_ref is None else f", bonus on {line.of_provider}:{line.of_ref}"
    return f"{begins}{ends}{scope}, {line.category}, priority {line.priority}{bonus}".lstrip()


def _begun(line: Money, known: KnownMoney) -> datetime | None:
    """When the grant began that has this reference already."""
    for earlier in known.admitted:
        found = (earlier.kind, earlier.external_ref, earlier.v)
        if found == ("grant", line.external_ref, VERSION_2):
            return earlier.from_
    return None


def _refuse_unknown_payment(bonus_on: tuple[str, str], known: KnownMoney, writers: Writers) -> None:
    provider, reference = bonus_on
    account_of(provider, writers)
    if writers.has_till(provider):
        return  # the till may have recorded it, or does so later
    for record in known.admitted:
        found = (record.kind, record.provider, record.external_ref, record.status)
        if found == ("payment", provider, reference, "succeeded"):
            return
    raise MoneyError(
        f"no payment of these books that counts has the reference {reference} at {provider}",
        hint="record the payment first; `books log` shows what is there",
    )
