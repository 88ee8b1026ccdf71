"""What a till promised for a payment, and which payment a tag counts for. Pure."""

from collections.abc import Iterable, Mapping

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
    """

    def __init__(
        self,
        account: str,
        tag_key: bytes | None,
        lines: Iterable[ReportedLine],
        remembered: Mapping[str, Iterable[KnownPromise]],
    ) -> None:
        self._account = account
        self._tag_key = tag_key
        self.by_attempt: dict[str, list[KnownPromise]] = {
            attempt: list(promises) for attempt, promises in remembered.items()
        }
        for line in lines:
            promise = _stated(line)
            if promise is not None and line.attempt:
                there = self.by_attempt.setdefault(line.attempt, [])
                if promise not in there:
                    there.append(promise)

    def of(self, truth: Truth) -> Promise | None:
        """What was promised for a payment; None if nothing was, or nobody can tell what."""
        if truth.is_tagged:
            if truth.tag is None:
                return None
            return read_tag(self._tag_key, self._account, truth.tag)
        paid_at = max((fact.at for fact in truth.facts), default=None)
        if truth.attempt is None or paid_at is None:
            return None
        in_time = [each for each in self.by_attempt.get(truth.attempt, ()) if each.at <= paid_at]
        # Two writers of one attempt have no order among them, and one of them may be a thief.
        if len({each.node for each in in_time}) != 1:
            return None
        first = min(in_time, key=lambda each: (each.seq, each.at))
        return Promise(
            first.user,
            first.credited_usd or first.amount,
            first.currency,
            first.amount,
            first.at,
            "",
        )


def _stated(line: ReportedLine) -> KnownPromise | None:
    """The promise that a `pending` line is, if its place allows it."""
    if line.kind != "pending" or not (line.reconciled or need(line) is Need.NOTHING):
        return None
    if not line.user or not line.amount or not line.currency:
        return None
    if line.currency != CURRENCY_DEFAULT and line.credited_usd is None:
        return None
    return KnownPromise(
        line.stated_at,
        line.node,
        line.seq,
        line.user,
        line.amount,
        line.currency,
        line.credited_usd,
    )


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
