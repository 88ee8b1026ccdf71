"""Balances: what changed lines, decisions and rules about money do to them.

Every method works inside the caller's transaction. Lines go through two judgements: first each
writer's own (`gitmeter.money.writer`), then those that stand, all writers together
(`gitmeter.money.rivals`). What an account has follows from the lines that count.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from aggregator.admission.batch import Batch
from aggregator.ledger.money.touched import Touched
from aggregator.store.account_rows import AccountRow
from aggregator.store.money.money_rows import text_of
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.effects import movement
from gitmeter.counting.held import HeldReason
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.places import MoneyLimits, provider_fault
from gitmeter.money.pool import NO_CREDIT, Payment, credits_of, payments_of
from gitmeter.money.rivals import Judged, judge
from gitmeter.money.writer import NothingBefore, WriterGrounds, worth_of
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.fields import VERSION_2
from wire_format.lines import Account, Decision, Money

_LATER_KINDS = frozenset({"grant", "void"})
"""Kinds of version 2 that a later version counts; until then they are held."""


class MoneyRules(NamedTuple):
    """What lines of money are judged by, besides each other.

    Attributes:
        limits: what tills and desks may state, and whether tests count.
        decisions: the operator's.
        tenure_min_nano: how much of a payment must be left for tenure to count from it.
    """

    limits: MoneyLimits
    decisions: Decisions
    tenure_min_nano: int = 0


class Balances:
    """Changes balances in the caller's transaction.

    Args:
        store: the ledger's store.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def add(self, node_id: int, batch: Batch, rules: MoneyRules, touched: Touched) -> None:
        """Store the lines of a batch, and note what is to be judged because of them."""
        self._add_of_books(node_id, batch, rules, touched)
        if self._has_tip(node_id, batch, rules):
            touched.writers.add(node_id)
        if not batch.stated:
            return
        ids = self._account_ids(each.record for each in batch.stated)
        added = self._store.writers.add(node_id, batch.stated, ids)
        batch.admitted += len(added.ids)
        batch.duplicates += added.repeated
        if added.is_plain and node_id not in touched.writers:
            touched.plain.setdefault(node_id, []).extend(added.ids)
        else:
            touched.writers.add(node_id)
            touched.plain.pop(node_id, None)
        touched.records += [each.record for each in batch.stated]

    def _has_tip(self, node_id: int, batch: Batch, rules: MoneyRules) -> bool:
        """Whether a batch has a commit that decisions about earlier ones were waiting for."""
        new = {commit.commit for commit in batch.commits}
        return not new.isdisjoint(self._named(node_id, rules.decisions).tips) if new else False

    def _named(self, node_id: int, decisions: Decisions) -> "Named":
        """What decisions say of the commits of a writer."""
        about = decisions.about_writer(self._store.repos.node_name(node_id))
        repos = self._store.writers.repos(node_id)
        return Named(about, frozenset().union(*map(decisions.accepted_tips, repos)))

    def settle(self, touched: Touched, rules: MoneyRules) -> "Settled":
        """Judge all that is touched, and write which lines count and what users have by them."""
        if not (touched.records or touched.writers or touched.everything):
            return Settled((), {}, ())
        changed = self._judge_writers(touched, rules)
        records = [*touched.records, *self._store.money.records(changed)]
        if touched.everything:
            self._claim(self._store.money.of_books(), rules)
            users = self._store.money.users()
        else:
            users = {record.user for record in records if record.user}
            users |= self._store.money.users_tied_to(records)
        judged = self._judge(users, records)
        paid = payments_of(judged)
        return Settled(judged, paid, self._save_credits(users, judged, paid, rules))

    def _judge(self, users: set[str], records: Collection[Money | Account]) -> Collection[Judged]:
        """Judge lines with all that they are tied to, and write which of them count.

        Args:
            users: whose lines they are. Those whose payments are touched by a line that counts from
                now on, or no longer, are added: what takes from a payment may name anybody.
            records: lines whose movements and payments are touched.
        """
        while True:
            entries = self._store.money.entries(users, records)
            judged = judge(entries.values())
            states = {row: line.state for row, line in zip(entries, judged, strict=True)}
            turned = self._store.money.changed_states(states)
            lines = [entries[row].record for row in turned]
            more = {line.user for line in lines if line.user}
            more |= self._store.money.users_tied_to(lines)
            if more <= users:
                self._store.money.save_states({row: states[row] for row in turned})
                return judged
            users |= more

    def _save_credits(
        self,
        users: Collection[str],
        judged: Collection[Judged],
        paid: Mapping[Money, Payment],
        rules: MoneyRules,
    ) -> list[AccountRow]:
        """Write what users have; returns the accounts whose tenure changed."""
        found = credits_of(judged, paid, rules.tenure_min_nano)
        changed: list[AccountRow] = []
        for account in self._store.accounts.of_users(users).values():
            credit = found.get(account.user, NO_CREDIT)
            self._store.money.save_credit(account.id, credit)
            if tuple(credit.tenure) != tuple(account.tenure):
                account.tenure = credit.tenure
                changed.append(account)
        return changed

    def _add_of_books(
        self, node_id: int, batch: Batch, rules: MoneyRules, touched: Touched
    ) -> None:
        records = [claim.record for claim, _ in batch.money.values()]
        if not records:
            return
        ids = self._account_ids(records)
        added = self._store.money.change(node_id, batch.money.values(), ids)
        self._claim(added, rules)
        touched.records += records

    def _account_ids(self, records: Iterable[Money | Account]) -> dict[str, int]:
        accounts = self._store.accounts.of_users({r.user for r in records if r.user})
        return {account.user: account.id for account in accounts.values()}

    def _claim(self, lines: Mapping[int, Money | Account], rules: MoneyRules) -> None:
        """Write which lines of the books may count, beside those of other writers."""
        self._store.money.claim({row: _books_fault(r, rules.limits) for row, r in lines.items()})

    def _judge_writers(self, touched: Touched, rules: MoneyRules) -> set[int]:
        """Judge the lines of tills and desks among themselves; returns the rows that changed."""
        changed: set[int] = set()
        for node_id in sorted({*touched.writers, *touched.plain}):
            ids = None if node_id in touched.writers else touched.plain[node_id]
            changed |= self._judge_writer(node_id, ids, rules)
        # now it is known which payments may be there, and so what refunds of them may come to
        records = [*touched.records, *self._store.money.records(changed)]
        for node_id in sorted(self._store.writers.summing(_in_other_currencies(records))):
            changed |= self._judge_writer(node_id, None, rules)
        return changed

    def _judge_writer(
        self, node_id: int, ids: Collection[int] | None, rules: MoneyRules
    ) -> set[int]:
        """Judge new lines of one writer, or all, and write what they are worth."""
        stated = self._store.writers.lines(node_id, ids)
        before = NothingBefore() if ids is None else self._store.writers.before(node_id, min(ids))
        node = self._store.repos.node_name(node_id)
        named = self._named(node_id, rules.decisions)
        lineage = self._store.writers.lineage(node_id, named.tips)
        grounds = WriterGrounds(
            self._store.writers.role(node_id),
            rules.limits,
            rules.decisions.of_node(node),
            Confirmed(named.about, lineage, named.accepted),
            cache(self._store.money.credit_per_unit),
            before,
        )
        found = worth_of(stated.values(), grounds)
        by_row = {row: found[line.line] for row, line in stated.items()}
        understood = {
            row
            for row, line in stated.items()
            if grounds.role == "till" and isinstance(line.record, Money)
        }
        return self._store.writers.save(by_row, understood)


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


class Settled(NamedTuple):
    """What settling found.

    Attributes:
        judged: the lines that were judged.
        paid: the payments among them that count.
        retenured: the accounts of which tenure counts from another payment in some hours.
    """

    judged: Collection[Judged]
    paid: Mapping[Money, Payment]
    retenured: Sequence[AccountRow]


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


def _books_fault(record: Money | Account, limits: MoneyLimits) -> HeldReason | None:
    if isinstance(record, Account) or (record.v == VERSION_2 and record.kind in _LATER_KINDS):
        return HeldReason.NOT_UNDERSTOOD
    return provider_fault(record, limits)
