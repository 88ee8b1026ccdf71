"""What a till promised for a payment, and which payment a tag counts for. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from books.reconcile.judging.lines import Need, need
from books.reconcile.judging.memory import KnownPromise, UsedTag
from books.reconcile.report import ReportedLine
from providers.interface import Truth
from providers.tag import Promise, read_tag
from wire_format.currencies import CURRENCY_DEFAULT


class Promises:
    """The promises of the tills of one account.

    Args:
        account: the account's name.
        tag_key: the tills'; None to take the form of a tag for one of theirs.
        lines: of that account.
        remembered: `pending` lines of earlier runs, by attempt.
        clashing: the numbers under which there are different lines, each with its node.
    """

    def __init__(
        self,
        account: str,
        tag_key: bytes | None,
        lines: Iterable[ReportedLine],
        remembered: Mapping[str, Iterable[KnownPromise]],
        clashing: Collection[tuple[str, int]],
    ) -> None:
        self._account = account
        self._tag_key = tag_key
        self.by_attempt: dict[str, list[KnownPromise]] = {
            attempt: list(promises) for attempt, promises in remembered.items()
        }
        self._clashing = clashing
        self._not_allowed: dict[str, list[KnownPromise]] = defaultdict(list)
        for line in lines:
            if line.kind != "pending" or not line.attempt:
                continue
            promise = _stated(line)
            if not _may_bind(line, promise):
                self._not_allowed[line.attempt].append(promise)
            else:
                there = self.by_attempt.setdefault(line.attempt, [])
                if promise not in there:
                    there.append(promise)

    def of(self, truth: Truth) -> Promise | None:
        """What was promised for a payment; None if nothing was, or nobody can tell what."""
        if truth.is_tagged:
            if truth.tag is None:
                return None
            return read_tag(self._tag_key, self._account, truth.tag)
        in_time = self._in_time(truth)
        if not in_time or self.is_contested(truth):
            return None
        first = min(in_time, key=_order)
        return Promise(
            first.user,
            _credit(first),
            first.currency,
            first.amount,
            first.at,
            "",
        )

    def is_contested(self, truth: Truth) -> bool:
        """Whether `pending` lines of a payment's attempt leave open what was promised.

        Whoever has a till's key can write one more of them, and under a number that is used, which
        of the two lines is held is chance. So a line that is held contradicts as well.
        """
        if truth.is_tagged or truth.attempt is None:
            return False
        every = [
            *self.by_attempt.get(truth.attempt, ()),
            *self._not_allowed.get(truth.attempt, ()),
        ]
        if not every:
            return False
        first = min(every, key=_order)
        return (
            (first.node, first.seq) in self._clashing
            or len({(each.user, each.amount, each.currency, _credit(each)) for each in every}) > 1
            # Two writers of one attempt have no order among them.
            or len({each.node for each in self._in_time(truth)}) > 1
        )

    def _in_time(self, truth: Truth) -> list[KnownPromise]:
        """What was promised before the payment was made."""
        paid_at = max((fact.at for fact in truth.facts), default=None)
        if truth.attempt is None or paid_at is None:
            return []
        return [each for each in self.by_attempt.get(truth.attempt, ()) if each.at <= paid_at]


def _order(promise: KnownPromise) -> tuple[datetime, int]:
    return promise.at, promise.seq


def _credit(promise: KnownPromise) -> str:
    return promise.credited_usd or promise.amount


def _stated(line: ReportedLine) -> KnownPromise:
    """What a `pending` line says, whether or not it may."""
    return KnownPromise(
        line.stated_at,
        line.node,
        line.seq,
        line.user or "",
        line.amount or "",
        line.currency or "",
        line.credited_usd,
    )


def _may_bind(line: ReportedLine, promise: KnownPromise) -> bool:
    """Whether the place of a `pending` line allows it, and it says all that a promise needs."""
    if not (line.reconciled or need(line) is Need.NOTHING):
        return False
    if not promise.user or not promise.amount or not promise.currency:
        return False
    return promise.currency == CURRENCY_DEFAULT or promise.credited_usd is not None


def tags_used(
    truths: Iterable[tuple[Truth, Promise | None]], remembered: Mapping[str, UsedTag]
) -> dict[str, UsedTag]:
    """The payment that each tag counts for, by nonce: what is remembered, else the earliest.

    Args:
        truths: each payment, and the promise in its tag.
        remembered: from earlier runs.
    """
    found: dict[str, UsedTag] = {}
    for truth, promise in truths:
        if promise is None or not promise.nonce:
            continue
        for fact in truth.facts:
            if fact.kind == "payment":
                used = UsedTag(fact.at, fact.external_ref)
                found[promise.nonce] = min(
                    found.get(promise.nonce, used), used, key=lambda each: (each.at, each.payment)
                )
    return {**found, **remembered}
