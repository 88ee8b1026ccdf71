"""All lines of all writers about money and accounts, judged by the pure rules in their order."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache, partial
from typing import NamedTuple

from gitmeter.counting.decisions import Decisions
from gitmeter.counting.effects import CreditPerUnit, Movement, movement, rate_of
from gitmeter.money.accounts import AccountEntry, contested_keys
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.desks.desk import worth_of_desk
from gitmeter.money.desks.paid import paid_by
from gitmeter.money.granted import Granted
from gitmeter.money.grants import grants_of, voids_of
from gitmeter.money.lineage import Lineage
from gitmeter.money.places import CLAIMS_NOTHING, MoneyLimits, provider_fault
from gitmeter.money.pool import Payment, payments_of
from gitmeter.money.reasons import WAITING
from gitmeter.money.rivals import Contender, Judged, MoneyState, judge
from gitmeter.money.writer import Stated, Worth, WriterGrounds, worth_of
from wire_format.lines import Account, Money


class TellingLines(NamedTuple):
    """The lines of all writers, and what they are judged by.

    Attributes:
        books: lines of the books that no rival under their key and no decision keeps out.
        tills, desks: by node all distinct lines of each.
        limits, decisions, lineage: what they are judged by.
    """

    books: Sequence[Money | Account]
    tills: Mapping[str, Sequence[Stated]]
    desks: Mapping[str, Sequence[Stated]]
    limits: MoneyLimits
    decisions: Decisions
    lineage: Lineage


class JudgedLines(NamedTuple):
    """What became of lines.

    Attributes:
        worths: of each line of a till or desk, by its bytes.
        waiting: the lines that wait.
        money: the lines of money that stand within their writers.
        payments: those of them that count.
        voids: those that count, with the hour from which each ends its grant.
        granted: by user, the grants with terms that count.
        accounts: the lines about accounts that count, but for plans.
        plans: the plan lines that stand within their writers.
    """

    worths: Mapping[bytes, Worth]
    waiting: Sequence[Money | Account]
    money: Sequence[Judged]
    payments: Mapping[Money, Payment]
    voids: Mapping[Money, int]
    granted: Mapping[str, Sequence[Granted]]
    accounts: Sequence[AccountEntry]
    plans: Sequence[AccountEntry]


def judge_lines(told: TellingLines) -> JudgedLines:
    """Tills and payments first, then desks, whose grants may ask what was paid, then the rest."""
    worths = _worths_of_tills(told)
    contenders = [
        Contender(record)
        for record in told.books
        if isinstance(record, Money) and provider_fault(record, told.limits) is None
    ]
    contenders += _contenders(told.tills, worths)
    paid = paid_by(payments_of(judge(contenders)).values())
    for node, lines in told.desks.items():
        worths |= worth_of_desk(lines, _grounds(told, node, "desk"), paid)
    money = judge([*contenders, *_contenders(told.desks, worths)])
    payments = payments_of(money)
    voids = voids_of(money, told.desks)
    lines = [line for own in (*told.tills.values(), *told.desks.values()) for line in own]
    entries = [AccountEntry(record) for record in told.books if isinstance(record, Account)]
    entries += [
        AccountEntry(line.record, is_books=False)
        for line in lines
        if isinstance(line.record, Account) and worths[line.line].reason is None
    ]
    contested = contested_keys(entries)
    return JudgedLines(
        worths,
        [line.record for line in lines if worths[line.line].reason in WAITING],
        money,
        payments,
        voids,
        grants_of(money, payments, voids),
        [e for e in entries if e.record.kind != "plan" and e.record not in contested],
        [e for e in entries if e.record.kind == "plan"],
    )


def counting(judged: JudgedLines) -> Iterator[Money | Account]:
    """The lines that count, but for plans, which are judged among each other."""
    yield from (line.record for line in judged.money if line.state is MoneyState.COUNTED)
    yield from judged.voids
    yield from (entry.record for entry in judged.accounts)


def _contenders(
    writers: Mapping[str, Sequence[Stated]], worths: Mapping[bytes, Worth]
) -> Iterator[Contender]:
    for lines in writers.values():
        for line in lines:
            worth = worths[line.line]
            if isinstance(line.record, Money) and worth.reason is None:
                is_reconciled = worth.covered_us is not None
                yield Contender(
                    line.record, is_books=False, is_reconciled=is_reconciled, is_weak=worth.is_weak
                )


def _worths_of_tills(told: TellingLines) -> dict[bytes, Worth]:
    """What lines of tills are worth, once it is known which payments may be there."""

    def judged_by(per_unit: CreditPerUnit) -> dict[bytes, Worth]:
        found: dict[bytes, Worth] = {}
        for node, lines in told.tills.items():
            found |= worth_of(lines, _grounds(told, node, "till", per_unit))
        return found

    may_be = judged_by(lambda _: Fraction(0))
    known = [record for record in told.books if isinstance(record, Money)]
    for lines in told.tills.values():
        for line in lines:
            reason = may_be[line.line].reason
            if isinstance(line.record, Money) and reason not in CLAIMS_NOTHING:
                known.append(line.record)
    return judged_by(cache(partial(_credit_per_unit, known)))


def _grounds(
    told: TellingLines,
    node: str,
    role: str,
    per_unit: CreditPerUnit = lambda _: Fraction(0),
) -> WriterGrounds:
    confirmed = Confirmed(told.decisions.about_writer(node), told.lineage)
    own = told.decisions.of_node(node)
    return WriterGrounds(role, told.limits, own, confirmed, per_unit)


def _credit_per_unit(records: Sequence[Money], payment: Movement) -> Fraction:
    rates = (rate_of(record) for record in records if movement(record) == payment)
    return max(rates, default=Fraction(0))
