"""Lines about accounts: which claims of keys and which plan lines count.

Every method works inside the caller's transaction. All other lines about accounts count as soon as
they stand within their writer.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from aggregator.store.store import LedgerStore
from gitmeter.counting.held import HeldReason
from gitmeter.money.accounts import contested_keys
from gitmeter.money.plans.money_before import CommittedLine, MoneyKnown
from gitmeter.money.plans.plan_lines import JudgedPlanLine, PlanEntry, judge_plan_lines
from gitmeter.money.rivals import Judged, MoneyState
from wire_format.lines import Account, Money
from wire_format.plans import Plans


class JudgedPlans(NamedTuple):
    """What became of plan lines.

    Attributes:
        counted: by user, those that count, in the order in which they were judged.
        turned: those whose state changed.
    """

    counted: Mapping[str, tuple[Account, ...]]
    turned: Sequence[Money | Account]


class AccountJudging:
    """Judges lines about accounts in the caller's transaction.

    Args:
        store: the ledger's store.
    """

    def __init__(self, store: LedgerStore) -> None:
        self._store = store

    def judge_keys(self, hashes: Collection[str]) -> Sequence[Money | Account]:
        """Judge all claims of some keys; returns the lines whose state changed."""
        if not hashes:
            return []
        entries = self._store.account_lines.keys(hashes)
        contested = contested_keys(entries.values())
        return self._save(
            {
                row: HeldReason.KEY_CLAIMED if entry.record in contested else MoneyState.COUNTED
                for row, entry in entries.items()
            }
        )

    def judge_plans(
        self, users: Iterable[str], money: Mapping[int, Judged], plans: Plans
    ) -> JudgedPlans:
        """Judge the plan lines of some users.

        Args:
            users: the users.
            money: all their lines of money that may count, judged, by their rows.
            plans: the plans of the rule book.
        """
        by_user = self._store.account_lines.plans(users)
        if not by_user:
            return JudgedPlans({}, [])
        known = self._known(money, by_user)
        states: dict[int, StrEnum] = {}
        counted: dict[str, tuple[Account, ...]] = {}
        for user, entries in by_user.items():
            rows = {entry.record: row for row, entry in entries.items()}
            found = judge_plan_lines(entries.values(), plans, MoneyKnown(user, known[user]).before)
            states |= {rows[each.record]: _state_of(each) for each in found.judged}
            counted[user] = found.counted
        return JudgedPlans(counted, self._save(states))

    def _known(
        self, money: Mapping[int, Judged], by_user: Mapping[str, Mapping[int, PlanEntry]]
    ) -> Mapping[str, list[CommittedLine]]:
        """The lines of money of each user to whom a desk may have sold a plan."""
        found: dict[str, list[CommittedLine]] = defaultdict(list)
        asking = {
            user
            for user, entries in by_user.items()
            if any(entry.role == "desk" for entry in entries.values())
        }
        if not asking:
            return found
        own = {row: line for row, line in money.items() if _taken_from(line) in asking}
        committed_us = self._store.money.committed_us(own)
        for row, line in own.items():
            found[_taken_from(line)].append(CommittedLine(line, committed_us[row]))
        return found

    def _save(self, states: Mapping[int, StrEnum]) -> Sequence[Money | Account]:
        if not states:
            return []
        turned = self._store.money.changed_states(states)
        self._store.money.save_states({row: states[row] for row in turned})
        return self._store.money.records(turned)


def _taken_from(line: Judged) -> str:
    """The user whose money a line changes, whoever it names."""
    return line.record.user if line.payment is None else line.payment.user


def _state_of(each: JudgedPlanLine) -> StrEnum:
    if each.fault is not None:
        return each.fault
    return MoneyState.COUNTED if each.stands == each.record else MoneyState.REPEATS
