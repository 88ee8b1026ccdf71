"""Giving credit and correcting balances by the operator's templates.

A line is judged before it is written by the rule of which the aggregator has the last word
(`gitmeter.money.desks`): what it would not let count is refused with why. Budgets are sums over all
lines of the desk: what is beyond one waits in the ledger, and the operator is told.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final, NamedTuple, TypeVar

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import Movement, movement
from gitmeter.money.desks.desk_place import desk_fault
from gitmeter.money.places import MoneyLimits
from node_pusher.spool.drafts import UNNUMBERED
from portal.api.models.staff import AdjustWanted, GrantWanted, Template, Templates, Written
from portal.api.problems import conflict, invalid
from portal.api.request import Asked, Portal
from portal.api.staff.account import acted_on
from portal.api.staff.acts import written
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.fields import MANUAL, VERSION_2
from wire_format.instants import DAY_HOURS, hour_of, hour_start, to_us
from wire_format.lines import Money
from wire_format.money import format_usd, parse_nano
from wire_format.writers import AdjustTemplate, GrantTemplate, Writers

_ID_DIGITS: Final = 16

T = TypeVar("T", GrantTemplate, AdjustTemplate)


def templates(asked: Asked) -> Templates:
    """List what may be given now, in the versions that are in force."""
    writers, now_us = _writers(asked), to_us(asked.now)
    grants = map(_of_grant, _in_force(writers.grants, now_us).values())
    adjusts = map(_of_adjust, _in_force(writers.adjusts, now_us).values())
    return Templates(templates=sorted([*grants, *adjusts], key=lambda e: (e.kind, e.name)))


class Giving(NamedTuple):
    """Credit that is given.

    Attributes:
        user: to whom.
        template: of the operator.
        by: who gives it, as lines name them.
        reason: why.
    """

    user: str
    template: str
    by: str
    reason: str


def grant(asked: Asked) -> Written:
    """Give an account the credit of a template; each template once to an account."""
    wanted: GrantWanted = asked.body
    giving = Giving(acted_on(asked), wanted.template, asked.by, wanted.text)
    recorded = give(asked.portal, asked.store, giving, asked.now)
    asked.portal.wake()
    return written(recorded)


def give(portal: Portal, store: LedgerStore, giving: Giving, now: datetime) -> Money:
    """Write the line of credit; returns it numbered.

    Raises:
        ProblemError: there is no such template, it was given already, or the books do not let this
            desk give it.
    """
    writers, user, desk = rule_book_in_force(store).writers, giving.user, portal.desk
    template = _in_force(writers.grants, to_us(now)).get(giving.template)
    if template is None:
        raise invalid(f"template: there is no template {giving.template} of credit")
    reference = f"{template.name}:{user}"
    with desk.exclusive():
        at = desk.spool.now()
        begins = hour_of(at)
        line = Money(
            v=VERSION_2, node=desk.spool.node, seq=UNNUMBERED, ts=at, user=user, kind="grant",
            provider=MANUAL, external_ref=reference, amount=format_usd(template.usd_nano),
            currency=CURRENCY_DEFAULT, status="succeeded", category=template.category,
            priority=template.priority, from_=hour_start(begins),
            until=None if template.days is None else hour_start(begins + template.days * DAY_HOURS),
            scope=template.scope, by=giving.by, reason=giving.reason,
        )  # fmt: skip
        _check(line, writers)
        if _is_given(portal, store, user, (MANUAL, reference, "grant")):
            raise conflict("given-already", f"{user} had {template.name} already")
        return desk.record_money([line])[0]


def adjust(asked: Asked) -> Written:
    """Correct the balance of an account by a template, within its limits and one's own.

    The same amount under the same ticket is given once.
    """
    wanted: AdjustWanted = asked.body
    writers, user, member = _writers(asked), acted_on(asked), asked.holder.member
    amount_nano = parse_nano(wanted.amount_usd)
    template = _in_force(writers.adjusts, to_us(asked.now)).get(wanted.template)
    if template is None or member is None or template.role != member.role:
        raise invalid(f"template: there is no template {wanted.template} of your corrections")
    if not amount_nano:
        raise invalid("amount_usd: must not be zero")
    if member.limit_usd is not None and abs(amount_nano) > parse_nano(member.limit_usd):
        raise invalid(f"amount_usd: you may correct by {member.limit_usd} USD at most")
    if abs(amount_nano) > template.per_line_nano:
        most = format_usd(template.per_line_nano)
        raise invalid(f"amount_usd: {template.name} is {most} USD at most")
    desk, amount = asked.portal.desk, format_usd(amount_nano)
    # a client that asks again after no answer corrects nothing twice
    told = sha256(f"{user}\n{wanted.text}\n{amount}".encode()).hexdigest()
    reference = f"{template.name}:{told[:_ID_DIGITS]}"
    with desk.exclusive():
        if _is_given(asked.portal, asked.store, user, (MANUAL, reference, "adjustment")):
            raise conflict(
                "given-already", f"{amount} USD were given under {wanted.ticket} already"
            )
        line = Money(
            v=VERSION_2, node=desk.spool.node, seq=UNNUMBERED, ts=desk.spool.now(), user=user,
            kind="adjustment", provider=MANUAL,
            external_ref=reference,
            amount=amount, currency=CURRENCY_DEFAULT, status="succeeded",
            by=asked.by, reason=wanted.text,
        )  # fmt: skip
        _check(line, writers)
        recorded = desk.record_money([line])[0]
    asked.portal.wake()
    return written(recorded)


def _writers(asked: Asked) -> Writers:
    return rule_book_in_force(asked.store).writers


def _in_force(versions: Iterable[T], now_us: int) -> dict[str, T]:
    """Of each name the version that began last, by name."""
    begun = sorted((e for e in versions if e.from_us <= now_us), key=lambda each: each.from_us)
    return {each.name: each for each in begun}


def _check(line: Money, writers: Writers) -> None:
    """Refuse what the aggregator would hold.

    Raises:
        ProblemError: this desk may not give it.
    """
    fault = desk_fault(line, "desk", to_us(line.ts), MoneyLimits(writers))
    if fault is not None:
        raise conflict("not-allowed", f"the rules of the books do not let this desk do it: {fault}")


def _is_given(portal: Portal, store: LedgerStore, user: str, given: Movement) -> bool:
    """Whether the ledger has a movement, or this desk wrote it a moment ago."""
    waiting = map(movement, portal.desk.unbilled.money(user))
    return given in waiting or store.money.is_claimed(given)


def _of_grant(each: GrantTemplate) -> Template:
    return Template(
        name=each.name,
        kind="grant",
        role=None,
        amount_usd=format_usd(each.usd_nano),
        days=each.days,
        scope=None if each.scope is None else list(each.scope),
        budget_usd=format_usd(each.budget_nano),
    )


def _of_adjust(each: AdjustTemplate) -> Template:
    return Template(
        name=each.name,
        kind="adjustment",
        role=each.role,
        amount_usd=format_usd(each.per_line_nano),
        days=None,
        scope=None,
        budget_usd=format_usd(each.budget_nano),
    )
