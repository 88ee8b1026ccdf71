"""A till whose key is stolen, and what the operator does about it."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st

from tests.money_in.history import History, Step
from tests.money_in.site import Site
from tests.money_in.tills import ACCOUNT, WritingTill

STOLEN: Final = "till-3"
NODES: Final = ("till-1", "till-2", STOLEN)
_USERS: Final = ("alice", "bob", "mallory")
_AMOUNTS: Final = ("0.01", "0.7", "20", "18.50", "500", "3000")
_FORGED: Final = "v1|20.00|USD|20.00|0|0123456789abcdef|" + "0" * 64 + "|bWFsbG9yeQ"


class Thief:
    """Writes with the key of till-3, and changes metadata at the provider.

    Args:
        history: what happens meanwhile.

    Attributes:
        honest_tip: the last commit of till-3 before the theft.
        honest: the numbers of its lines up to there.
    """

    def __init__(self, history: History) -> None:
        self._history, self._site = history, history.site
        self._till = self._site.tills[STOLEN]
        self._site.offer("1.00", user="carol", till=NODES.index(STOLEN))
        self._till.sweep()
        self.honest_tip = self._site.story.tip(STOLEN)
        self.honest = {line["seq"] for line in self._till.lines.values()}

    def do(self, step: Step) -> None:
        """One step of the thief's: a line, or a tag that is changed."""
        _, first, second = step
        if second % 6 == 5:
            self._retag(first)
            return
        now = self._site.stripe.clock()
        back = timedelta(days=first % 34, hours=second % 3)
        line = _false_line(first, second, [*self._site.stripe.money()], self._refs())
        story = self._site.story
        after = story.next_seq(STOLEN)
        is_again = second % 5 == 4
        seq = 1 + first % (after - 1) if is_again else None
        story.line(STOLEN, now - back, committed=now, seq=seq, **line)
        if is_again:
            story.set_next_seq(STOLEN, after)

    def _refs(self) -> list[tuple[str, str]]:
        """The movements of which the other tills told, by kind."""
        return [key for till in self._site.tills.values() for key in till.lines]

    def _retag(self, first: int) -> None:
        """Put no tag, a false one or that of another payment on a payment that is a line."""
        told = [self._site.tills[node].lines for node in ("till-1", "till-2")]
        both = [
            name
            for name in self._history.paid()
            if all(("payment", name) in lines for lines in told)
        ]
        if both:
            by_id = self._site.stripe.objects.by_id
            other = by_id[both[(first // 3) % len(both)]]["metadata"].get("gitmeter")
            tag = (None, _FORGED, other)[first % 3]
            self._site.stripe.retag(both[first % len(both)], tag)


def _false_line(
    first: int, second: int, payments: list[str], told: list[tuple[str, str]]
) -> dict[str, Any]:
    """A line that no provider would confirm."""
    payment = payments[first % len(payments)] if payments else "pi_none"
    kinds = ("payment", "payment", "refund", "dispute", "refund_reversal", "dispute_reversal")
    kind = kinds[second % len(kinds)]
    line: dict[str, Any] = {
        "kind": kind,
        "user": _USERS[first % len(_USERS)],
        "provider": ACCOUNT,
        "amount": _AMOUNTS[(first + second) % len(_AMOUNTS)],
        "currency": ("USD", "EUR", "JPY")[second % 3],
        "status": "succeeded",
    }
    if kind == "payment":
        line["external_ref"] = f"pi_thief{first}" if second % 4 == 0 else payment
        if line["currency"] != "USD":
            line["credited_usd"] = _AMOUNTS[first % len(_AMOUNTS)]
        return line
    known = [ref for own, ref in told if own == kind]
    prefix = "re_" if kind.startswith("refund") else "txn_"
    line["external_ref"] = known[first % len(known)] if known else f"{prefix}thief{first}"
    return {**line, "of_ref": payment}


def reconcile(site: Site, nodes: Iterable[str]) -> None:
    """Decide as reconciling does: runs of numbers whose lines say what the provider says now."""
    now = site.stripe.clock()
    for node in nodes:
        for first, last in _runs(site.tills[node]):
            site.story.reconcile(node, first, last, now)


def _runs(till: WritingTill) -> Iterator[tuple[int, int]]:
    agreed = sorted(till.agreeing())
    begins = [seq for seq in agreed if seq - 1 not in agreed]
    ends = [seq for seq in agreed if seq + 1 not in agreed]
    return zip(begins, ends, strict=True)


STEALS: Final = st.tuples(st.just("steal"), st.integers(0, 999), st.integers(0, 59))
