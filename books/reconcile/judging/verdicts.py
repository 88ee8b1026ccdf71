"""What a provider's answers mean for the lines of one account. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from books.reconcile.judging.charges import NO_TOPUPS, AutomaticCharges, TopupGrounds
from books.reconcile.judging.compare import Basis, why_not
from books.reconcile.judging.lines import movement_key, movement_of, object_of
from books.reconcile.judging.memory import AccountMemory, KnownMovement, MissingLine, UsedTag
from books.reconcile.judging.promises import Promises, tags_used
from books.reconcile.judging.users import Users
from books.reconcile.report import ReportedLine
from providers.expected import ExpectedLine, expected
from providers.interface import Truth
from providers.tag import Promise
from wire_format.writers import Fx, ProviderAccount

LATE: Final = timedelta(hours=26)
"""A till looks for what it missed once a day; what is no line after that is told."""


Truths = Mapping[str, Truth | None]
"""What a provider said, by the object that it was asked about; None where there is none."""


class Unrecorded(NamedTuple):
    """A movement that should be a line, and is none.

    Attributes:
        line: what should be there.
        since: the earliest time at which it can have been there to be recorded.
        object_id: to ask about it again.
    """

    line: ExpectedLine
    since: datetime
    object_id: str

    @property
    def key(self) -> str:
        """Names the movement within its account."""
        return movement_key(self.line.kind, self.line.external_ref)


@dataclass
class AccountVerdict:
    """What was found out about the lines of one account.

    Attributes:
        why_not: for each line that was asked about, why it does not agree; None if it does.
        unrecorded: movements that should be lines.
        too_early: how many more might be lines that are not known here.
    """

    why_not: dict[ReportedLine, str | None] = field(default_factory=dict)
    unrecorded: list[Unrecorded] = field(default_factory=list)
    too_early: int = 0


class Judge:
    """Judges the lines of one account.

    Args:
        account: the account.
        lines: of the aggregator's answer, all that name it; `pending` ones state what was promised.
        memory: of earlier runs; `learn` adds to it.
        tag_key: see `books.reconcile.accounts.AccountKeys`.
        users: of the payments that are lines.
        clashing: the numbers under which there are different lines, each with its node.
    """

    def __init__(
        self,
        account: ProviderAccount,
        lines: Iterable[ReportedLine],
        memory: AccountMemory,
        tag_key: bytes | None,
        users: Users,
        clashing: Collection[tuple[str, int]],
    ) -> None:
        self._account = account
        self._memory = memory
        self._users = users
        self._promises = Promises(account.name, tag_key, lines, memory.promises, clashing)

    def judge(
        self,
        truths: Truths,
        open_lines: Iterable[ReportedLine],
        fx: Fx,
        topups: TopupGrounds = NO_TOPUPS,
    ) -> AccountVerdict:
        """Compare lines with what the provider said.

        Args:
            truths: what it said.
            open_lines: those that need an answer.
            fx: the rates of the rule book.
            topups: what charges of saved cards are judged by.
        """
        found = AccountVerdict()
        bases = self._bases(truths)
        promises = {name: basis.promise for name, basis in bases.items()}
        compared = {
            line: bases[object_id]
            for line in open_lines
            if (object_id := object_of(line, self._account.kind)) in bases
        }
        charges = AutomaticCharges(compared, promises, truths, topups)
        for line, basis in compared.items():
            found.why_not[line] = why_not(line, basis, fx) or charges.why_not(line)
        for basis in {id(basis.truth): basis for basis in bases.values()}.values():
            self._find_unrecorded(basis, found)
        return found

    def learn(self, truths: Truths, found: AccountVerdict, now: datetime) -> None:
        """Note for later runs what the aggregator's answers will not have any more.

        Args:
            truths: what the provider said.
            found: the verdict.
            now: the time of the run.
        """
        memory = self._memory
        agreed = [line for line, why in found.why_not.items() if why is None]
        covered = {line.external_ref for line in agreed}
        for line in agreed:
            if (key := movement_of(line)) is not None:
                memory.movements[key] = KnownMovement(line.ts, line.user or "")
        known = list(_each(truths.values()))
        of_lines = [t for t in known if covered & {fact.external_ref for fact in t.facts}]
        memory.tags = tags_used(((t, self._promises.of(t)) for t in of_lines), memory.tags)
        memory.promises = self._promises.by_attempt
        for truth in known:
            memory.open.pop(truth.object_id, None)
            if truth.open and self._is_ours(truth):
                memory.open[truth.object_id] = now
        kept = {
            key: missing
            for key, missing in memory.missing.items()
            if missing.object_id not in truths and self._users.of(key) is None
        }
        memory.missing = kept | {
            each.key: MissingLine(each.since, each.object_id) for each in found.unrecorded
        }

    def _bases(self, truths: Truths) -> dict[str, Basis]:
        promises = {
            id(truth): (truth, self._promises.of(truth)) for truth in _each(truths.values())
        }
        used = tags_used(promises.values(), self._memory.tags)
        made: dict[int, Basis] = {}
        for key, (truth, promise) in promises.items():
            payer, is_used = self._payer(truth) or None, _is_used(truth, promise, used)
            is_contested = self._promises.is_contested(truth)
            made[key] = Basis(self._account, truth, promise, payer, is_used, is_contested)
        nothing = Basis(self._account, None, None, None, is_tag_used=False, is_contested=False)
        return {
            name: nothing if truth is None else made[id(truth)] for name, truth in truths.items()
        }

    def _payer(self, truth: Truth) -> str | None:
        """The user of the payment's line; empty where it names none, None where there is none."""
        for fact in truth.facts:
            if fact.kind == "payment":
                return self._users.of(movement_key("payment", fact.external_ref))
        return None

    def _is_ours(self, truth: Truth) -> bool:
        """Whether a till should record it: by its tag, or because its payment is a line."""
        if not truth.is_tagged or self._promises.of(truth) is not None:
            return True
        return self._payer(truth) is not None

    def _find_unrecorded(self, basis: Basis, found: AccountVerdict) -> None:
        truth, memory = basis.truth, self._memory
        if truth is None or truth.mode != self._account.mode or not self._is_ours(truth):
            return
        lines = expected(
            truth, basis.promise, payer=basis.payer, is_tag_used=basis.is_tag_used
        ).lines
        for line in lines:
            missing = Unrecorded(line, line.at, truth.object_id)
            is_old = memory.began is not None and line.at < memory.began
            before = memory.missing.get(missing.key)
            if self._users.of(missing.key) is not None:
                continue
            if before is None and is_old and truth.object_id not in memory.open:
                found.too_early += 1
                continue
            # a complete run after it was made did not see it, so it came later
            since = before.since if before else max(line.at, memory.complete_at or line.at)
            found.unrecorded.append(missing._replace(since=since))


def is_late(movement: Unrecorded, now: datetime) -> bool:
    """Whether a movement that is no line is told."""
    return now - movement.since >= LATE


def _is_used(truth: Truth, promise: Promise | None, used: Mapping[str, UsedTag]) -> bool:
    """Whether the tag of a payment counts for another one."""
    if promise is None or promise.nonce not in used:
        return False
    return used[promise.nonce].payment not in {fact.external_ref for fact in truth.facts}


def _each(truths: Iterable[Truth | None]) -> Iterator[Truth]:
    """Each truth once, under however many names it is known."""
    return iter({id(truth): truth for truth in truths if truth is not None}.values())
