"""The lines of tills and desks, each writer's judged among themselves.

Every method works inside the caller's transaction. Of a till, what is plainly new is judged with a
closed part; of a desk, what is in no sum. With anything else all lines of a desk are judged: there
are few, and its sums are over all time. What was paid has a part in it where a template asks for a
payment; desks have none in what was paid.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Final, NamedTuple

from aggregator.admission.batch import Batch, StatedLine
from aggregator.ledger.money.found import JudgedMoney
from aggregator.ledger.money.rules import MoneyRules
from aggregator.ledger.money.touched import Touched
from aggregator.store.money.stored_lines import text_of
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.effects import bonus_payment_of, movement
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.desks.budgets import budget_uses
from gitmeter.money.desks.desk import worth_of_desk
from gitmeter.money.desks.paid import Paid, paid_by
from gitmeter.money.desks.templates import grant_template, template_name
from gitmeter.money.pool import payments_of
from gitmeter.money.rivals import judge
from gitmeter.money.writer import Before, NothingBefore, Stated, WriterGrounds, worth_of
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.lines import Account, Decision, Money
from wire_format.writers import Writers

_IN_NO_SUM: Final = frozenset(
    {"void", "open", "suspend", "reopen", "setting", "key", "revoke", "consent", "staff"}
)
"""Kinds of which no earlier line of a desk keeps one from standing, but one under its number."""


class WriterJudging:
    """Judges the lines of tills and desks in the caller's transaction.

    Args:
        store: the ledger's store.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def has_tip(self, node_id: int, batch: Batch, decisions: Decisions) -> bool:
        """Whether a batch has a commit that decisions about earlier ones were waiting for."""
        new = {commit.commit for commit in batch.commits}
        return not new.isdisjoint(self._named(node_id, decisions).tips) if new else False

    def may_be_alone(self, node_id: int, lines: Iterable[StatedLine]) -> bool:
        """Whether plainly new lines of a writer can be judged without its earlier ones."""
        if self._store.writers.role(node_id) == "till":
            return True
        return all(each.record.kind in _IN_NO_SUM for each in lines)

    def judge(self, touched: Touched, rules: MoneyRules) -> list[Money | Account]:
        """Judge the lines of writers that are touched; returns those that changed."""
        asked = {**touched.plain, **dict.fromkeys(touched.writers)}
        desks = {node_id for node_id in asked if self._store.writers.role(node_id) == "desk"}
        changed: set[int] = set()
        for node_id in sorted(asked.keys() - desks):
            changed |= self._judge_till(node_id, asked[node_id], rules)
        records = self._store.money.records(changed)
        # now it is known which payments may be there, and so what refunds of them may come to
        payments = _in_other_currencies([*touched.records, *records])
        changed = set()
        for node_id in sorted(self._store.writers.summing(payments) if payments else ()):
            changed |= self._judge_till(node_id, None, rules)
        for node_id in sorted(desks):
            changed |= self._judge_desk(node_id, asked[node_id], rules)
        return [*records, *self._store.money.records(changed)]

    def judge_desks(self, node_ids: Iterable[int], rules: MoneyRules) -> list[Money | Account]:
        """Judge all lines of some desks, once those of tills are; returns those that changed."""
        changed: set[int] = set()
        for node_id in sorted(node_ids):
            changed |= self._judge_desk(node_id, None, rules)
        return self._store.money.records(changed)

    def desks_asking(
        self,
        users: Collection[str],
        found: JudgedMoney,
        writers: Writers,
    ) -> set[int]:
        """The rows of desks with grants that ask what was paid, and are answered otherwise now.

        Args:
            users: whose lines were judged.
            found: these lines, with all that they are tied to.
            writers: the templates.
        """
        if not _asking_templates(writers):
            return set()
        payments = {
            movement(each.record) for each in found.lines.values() if each.record.kind == "payment"
        }
        left = paid_by(found.paid.values())
        return {
            grant.node_id
            for grant in self._store.desks.asking(users, payments)
            if (template := grant_template(grant.record, grant.committed_us, writers)) is not None
            and template.after_payment_nano is not None
            and (left(grant.record) >= template.after_payment_nano) is not grant.was_paid
        }

    def _judge_till(self, node_id: int, ids: Collection[int] | None, rules: MoneyRules) -> set[int]:
        """Judge new lines of one till, or all, and write what they are worth."""
        stated = self._store.writers.lines(node_id, ids)
        before = NothingBefore() if ids is None else self._store.writers.before(node_id, min(ids))
        found = worth_of(stated.values(), self._grounds(node_id, "till", before, rules))
        return self._store.writers.save({row: found[line.line] for row, line in stated.items()})

    def _judge_desk(self, node_id: int, ids: Collection[int] | None, rules: MoneyRules) -> set[int]:
        """Judge new lines of one desk that are in no sum, or all, and write what they are worth."""
        stated = self._store.writers.lines(node_id, ids)
        grounds = self._grounds(node_id, "desk", NothingBefore(), rules)
        paid = self._paid(stated.values(), rules.limits.writers)
        found = worth_of_desk(stated.values(), grounds, paid)
        if ids is None:
            worths = ((line.record, found[line.line]) for line in stated.values())
            self._store.desks.save_budgets(node_id, budget_uses(worths, rules.limits.writers))
        return self._store.writers.save({row: found[line.line] for row, line in stated.items()})

    def _grounds(self, node_id: int, role: str, before: Before, rules: MoneyRules) -> WriterGrounds:
        named = self._named(node_id, rules.decisions)
        lineage = self._store.writers.lineage(node_id, named.tips)
        return WriterGrounds(
            role,
            rules.limits,
            rules.decisions.of_node(self._store.repos.node_name(node_id)),
            Confirmed(named.about, lineage, named.accepted),
            cache(self._store.money.credit_per_unit),
            before,
        )

    def _named(self, node_id: int, decisions: Decisions) -> "Named":
        """What decisions say of the commits of a writer."""
        about = decisions.about_writer(self._store.repos.node_name(node_id))
        repos = self._store.writers.repos(node_id)
        return Named(about, frozenset().union(*map(decisions.accepted_tips, repos)))

    def _paid(self, lines: Iterable[Stated], writers: Writers) -> Paid:
        """What is left of the payments that some lines of a desk may ask for."""
        templates = _asking_templates(writers)
        grants = [
            line.record
            for line in lines
            if isinstance(line.record, Money)
            and line.record.kind == "grant"
            and template_name(line.record) in templates
        ]
        bonuses = [grant for grant in grants if bonus_payment_of(grant) is not None]
        users = {grant.user for grant in grants if bonus_payment_of(grant) is None}
        entries = self._store.money.entries(users, bonuses)
        return paid_by(payments_of(judge(entries.values())).values())


class Named(NamedTuple):
    """What decisions say of the commits of a till or desk.

    Attributes:
        about: the decisions about them, in their order.
        accepted: the tips up to which its repos are accepted.
    """

    about: Sequence[Decision]
    accepted: frozenset[str]

    @property
    def tips(self) -> set[str]:
        """Every commit that a decision names."""
        return {record.tip for record in self.about if record.tip is not None} | self.accepted


def _asking_templates(writers: Writers) -> set[str]:
    """The names of the templates that ask for a payment, in any version."""
    return {each.name for each in writers.grants if each.after_payment_nano is not None}


def _in_other_currencies(records: Iterable[Money | Account]) -> set[str]:
    """The payments among some lines whose refunds count at a rate that lines of them state."""
    return {
        text
        for record in records
        if isinstance(record, Money)
        and record.kind == "payment"
        and record.currency != CURRENCY_DEFAULT
        and (text := text_of(movement(record))) is not None
    }
