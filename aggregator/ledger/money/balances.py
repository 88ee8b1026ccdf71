"""Balances: what changed lines, decisions and rules about money do to them.

Every method works inside the caller's transaction. Lines of money go through two judgements: first
each writer's own (`gitmeter.money.writer`, `gitmeter.money.desks`), then those that stand, all
writers together (`gitmeter.money.rivals`). Lines about accounts come last: a plan that a desk sold
asks what the account had. What an account has follows from the lines that count.
"""

from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from aggregator.admission.batch import Batch
from aggregator.ledger.money.accounts import AccountJudging
from aggregator.ledger.money.found import Having, JudgedMoney, first_hour_changed
from aggregator.ledger.money.rules import MoneyRules
from aggregator.ledger.money.touched import Touched
from aggregator.ledger.money.writers import WriterJudging
from aggregator.store.account_rows import AccountRow
from aggregator.store.store import LedgerStore
from gitmeter.counting.held import HeldReason
from gitmeter.counting.lines import Place
from gitmeter.counting.ranges import runs
from gitmeter.money.grants import grants_of, voids_of
from gitmeter.money.places import MoneyLimits, provider_fault
from gitmeter.money.plans.periods import terms_of
from gitmeter.money.pool import NO_CREDIT, Credit, Payment, credits_of
from gitmeter.money.rivals import Judged, MoneyState, judge
from wire_format.lines import Account, Money
from wire_format.plans import Plans

_MILLION: Final = 1_000_000


class Balances:
    """Changes balances in the caller's transaction.

    Args:
        store: the ledger's store.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        self._writers = WriterJudging(store)
        self._accounts = AccountJudging(store)

    def add(self, node_id: int, batch: Batch, rules: MoneyRules, touched: Touched) -> None:
        """Store the lines of a batch, and note what is to be judged because of them."""
        self._add_of_books(node_id, batch, rules, touched)
        if self._writers.has_tip(node_id, batch, rules.decisions):
            touched.writers.add(node_id)
        if not batch.stated:
            return
        ids = self._account_ids(each.record for each in batch.stated)
        added = self._store.writers.add(node_id, batch.stated, ids)
        batch.admitted += len(added.ids)
        batch.duplicates += added.repeated
        is_plain = added.is_plain and self._writers.may_be_alone(node_id, batch.stated)
        if is_plain and node_id not in touched.writers:
            touched.plain.setdefault(node_id, []).extend(added.ids)
        else:
            touched.writers.add(node_id)
            touched.plain.pop(node_id, None)
        touched.records += [each.record for each in batch.stated]

    def settle(self, touched: Touched, rules: MoneyRules) -> "Settled":
        """Judge all that is touched, and write which lines count and what users have by them.

        Lines that turned out to be touched by that are added to `touched`.
        """
        if touched.is_nothing:
            return Settled((), {}, ())
        records = [*touched.records]
        if touched.everything:
            of_books = self._store.money.of_books()
            self._claim(of_books, rules)
            # a line that names nobody, and is tied to nothing, is among no user's lines
            records += [record for record in of_books.values() if not record.user]
        records += self._writers.judge(touched, rules)
        users = self._users_of(records)
        if touched.everything:
            users |= self._store.money.users()
        elif touched.plans_before is not None:
            users |= self._store.account_lines.users_with_plans()
        found = self._judge(users, records)
        desks = self._writers.desks_asking(users, found, rules.limits.writers)
        if desks - touched.writers:
            more = self._writers.judge_desks(desks, rules)
            touched.writers |= desks
            records += more
            users |= self._users_of(more)
            found = self._judge(users, records)
        hashes = {r.sha256 for r in records if isinstance(r, Account) and r.sha256 is not None}
        if touched.everything:
            hashes |= self._store.account_lines.all_hashes()
        plans = self._accounts.judge_plans(users, found.lines, rules.plans)
        touched.records += [*self._accounts.judge_keys(hashes), *plans.turned]
        return self._save(users, found, plans.counted, rules, touched.plans_before or rules.plans)

    def _users_of(self, records: Collection[Money | Account]) -> set[str]:
        """The users whom lines name or are tied to."""
        named = {record.user for record in records if record.user}
        return named | self._store.money.users_tied_to(records)

    def _judge(self, users: set[str], records: Collection[Money | Account]) -> JudgedMoney:
        """Judge lines with all that they are tied to, and write which of them count.

        Args:
            users: whose lines they are. Those whose payments or grants are touched by a line that
                counts from now on, or no longer, are added: what takes from a payment may name
                anybody.
            records: lines whose movements and payments are touched.
        """
        while True:
            entries = self._store.money.entries(users, records)
            judged = judge(entries.values())
            found = JudgedMoney(dict(zip(entries, judged, strict=True)), self._voids(judged))
            states = {row: _state_of(line, found.voids) for row, line in found.lines.items()}
            turned = self._store.money.changed_states(states)
            lines = [entries[row].record for row in turned]
            more = {line.user for line in lines if line.user}
            more |= self._store.money.users_tied_to(lines)
            if more <= users:
                self._store.money.save_states({row: states[row] for row in turned})
                return found
            users |= more

    def _voids(self, judged: Collection[Judged]) -> dict[Money, int]:
        """The voids that count, with the hour from which each ends its grant."""
        if not any(line.record.kind == "void" for line in judged):
            return {}
        return voids_of(judged, self._store.desks.names())

    def _save(
        self,
        users: Collection[str],
        found: JudgedMoney,
        plans: Mapping[str, tuple[Account, ...]],
        rules: MoneyRules,
        plans_before: Plans,
    ) -> "Settled":
        """Write what users have.

        Args:
            users: whose.
            found: their lines of money.
            plans: their plan lines that count.
            rules: what these were judged by.
            plans_before: the plans of the rule book until now.
        """
        judged, paid = found.lines.values(), found.paid
        credit_of = credits_of(judged, paid, rules.tenure_min_nano)
        granted = grants_of(judged, paid, found.voids)
        credits_now: dict[int, Credit] = {}
        settled: list[AccountRow] = []
        retenured: list[AccountRow] = []
        replanned: list[tuple[AccountRow, int]] = []
        for account in self._store.accounts.of_users(users).values():
            own = plans.get(account.user, ())
            credit = credit_of.get(account.user, NO_CREDIT)
            fees_nano = sum(terms_of(line).fee_nano for line in own)
            left_nano = credit.credit_nano - fees_nano
            credits_now[account.id] = credit._replace(credit_nano=left_nano)
            if tuple(credit.tenure) != tuple(account.tenure):
                account.tenure = credit.tenure
                retenured.append(account)
            before = Having(account.plans, account.grants, plans_before)
            now = Having(own, tuple(granted.get(account.user, ())), rules.plans)
            if before != now:
                account.plans, account.grants = now.lines, now.grants
                settled.append(account)
                if (from_hour := first_hour_changed(before, now)) is not None:
                    replanned.append((account, from_hour))
        self._store.money.save_credits(credits_now)
        self._store.accounts.save_terms(settled)
        return Settled(judged, paid, retenured, replanned)

    def _add_of_books(
        self, node_id: int, batch: Batch, rules: MoneyRules, touched: Touched
    ) -> None:
        records = [claim.record for claim, _ in batch.money.values()]
        if not records:
            return
        ids = self._account_ids(records)
        committed_us = self._committed_us(node_id, batch)
        added = self._store.money.change(node_id, batch.money.values(), ids, committed_us)
        self._claim(added, rules)
        touched.records += records

    def _committed_us(self, node_id: int, batch: Batch) -> Callable[[Place], int]:
        """When the commits of the lines that a batch adds were made, microseconds since 1970."""
        times = {entry.commit: entry.committed_at_s for entry in batch.segments}
        added = (claim for claim, counts in batch.money.values() if counts)
        seqs = sorted(each.record.seq for each in added if each.place.commit not in times)
        for place in self._store.segments.among(node_id, runs(seqs)):
            times[place.commit] = place.committed_at_s
        return lambda place: times[place.commit] * _MILLION

    def _account_ids(self, records: Iterable[Money | Account]) -> dict[str, int]:
        accounts = self._store.accounts.of_users({r.user for r in records if r.user})
        return {account.user: account.id for account in accounts.values()}

    def _claim(self, lines: Mapping[int, Money | Account], rules: MoneyRules) -> None:
        """Write which lines of the books may count, beside those of other writers."""
        self._store.money.claim(lines, partial(_books_fault, rules.limits))


class Settled(NamedTuple):
    """What settling found.

    Attributes:
        judged: the lines of money that were judged.
        paid: the payments among them that count.
        retenured: the accounts of which tenure counts from another payment in some hours.
        replanned: the accounts that have other plans or grants, or of whose plans there are other
            versions, each as it is now, with the first clock hour since 1970 that this can change.
    """

    judged: Collection[Judged]
    paid: Mapping[Money, Payment]
    retenured: Sequence[AccountRow]
    replanned: Sequence[tuple[AccountRow, int]] = ()


def _state_of(line: Judged, voids: Container[Money]) -> StrEnum:
    if line.record.kind != "void":
        return line.state
    return MoneyState.COUNTED if line.record in voids else HeldReason.NO_GRANT


def _books_fault(limits: MoneyLimits, record: Money | Account) -> HeldReason | None:
    return provider_fault(record, limits) if isinstance(record, Money) else None
