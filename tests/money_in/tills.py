"""Tills as far as they decide what is written: they ask what is true, and write what is missing."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from providers.expected import ExpectedLine, expected
from providers.interface import Truth
from providers.stripe.account import StripeAccount
from providers.tag import Promise, make_tag, read_tag
from tests.support.money_story import Story
from tests.support.providers.fake_stripe import FakeStripe
from tests.support.providers.hooks import Hook
from tests.support.providers.orders import order_of

ACCOUNT: Final = "stripe"
TAG_KEY: Final = b"0123456789abcdef0123456789abcdef"
OVERLAP: Final = timedelta(days=7)

Line = dict[str, Any]
"""The fields of a line that the story does not know by itself."""


class WritingTill:
    """One till; its lines go into a story.

    Args:
        node: its name.
        stripe: the provider, for its clock.
        account: the account there.
        story: where it writes.

    Attributes:
        heard: the hooks that came or are to come.
        lines: what it has written, by kind and reference.
        open: the objects that were not final.
    """

    def __init__(self, node: str, stripe: FakeStripe, account: StripeAccount, story: Story) -> None:
        self.node = node
        self.heard: list[Hook] = []
        self.lines: dict[tuple[str, str], Line] = {}
        self.stripe, self.account, self.story = stripe, account, story
        self._tags: dict[str, str] = {}
        self.open: set[str] = set()
        self._swept_at: datetime | None = None

    def offer(self, promise: Promise, attempt: str) -> str:
        """Open a page, and write that it was promised; the page.

        Raises:
            RefusedByProviderError: the provider does not take this currency.
        """
        order = order_of(promise, attempt, make_tag(TAG_KEY, ACCOUNT, promise))
        page = self.account.checkout(order).object_id
        line = {"kind": "pending", "user": promise.user, "provider": ACCOUNT, "attempt": attempt}
        line |= {"amount": promise.amount, "currency": promise.currency}
        if promise.currency != "USD":
            line["credited_usd"] = promise.credited_usd
        self.write([(line, promise.at)])
        self.open.add(page)
        return page

    def hear(self, hook: Hook) -> None:
        """Take a webhook: it names what to ask about."""
        found = self.account.object_in(
            hook.body, self.stripe.signed(hook.body), [self.stripe.secret], self.stripe.clock()
        )
        if found is not None:
            self.ask(found)

    def sweep(self) -> None:
        """Ask about what moved since a week before the last sweep, and what was not final."""
        began_at = self.stripe.clock()
        since = (self._swept_at or datetime.fromtimestamp(0, began_at.tzinfo)) - (
            OVERLAP if self._swept_at else timedelta()
        )
        for name in dict.fromkeys([*self.moved_since(since), *sorted(self.open)]):
            self.ask(name)
        self._swept_at = began_at

    def moved_since(self, since: datetime) -> Iterable[str]:
        """The objects to ask about, whether they were final or not."""
        return list(self.account.since(since))

    def ask(self, name: str) -> None:
        """Ask what is true of an object, and write what is missing."""
        truth = self.truth(name)
        self.open.discard(name)
        if truth is None:
            return
        if truth.open or not all(fact.is_final for fact in truth.facts):
            self.open.add(truth.object_id)
        self.take(truth)

    def truth(self, name: str) -> Truth | None:
        """What the provider says about an object."""
        return self.account.truth(name)

    def take(self, truth: Truth) -> None:
        """Write the lines that are missing, given what is true."""
        missing = [
            (line_of(each), each.at)
            for each in self.expected(truth)
            if (each.kind, each.external_ref) not in self.lines
        ]
        key = "ended", truth.attempt or ""
        if truth.failed and truth.attempt and not truth.facts and key not in self.lines:
            pending = self.lines.get(("pending", truth.attempt))
            if pending is not None:
                kept = {name: pending[name] for name in ("user", "provider", "attempt")}
                ended = {"kind": "ended", **kept, "reason": truth.failed}
                missing.append((ended, self.stripe.clock()))
        self.write(missing)

    def expected(self, truth: Truth) -> tuple[ExpectedLine, ...]:
        """The lines that must exist, to the knowledge of this till."""
        promise = read_tag(TAG_KEY, ACCOUNT, truth.tag or "")
        payment = self.lines.get(("payment", truth.object_id))
        is_used = False
        if promise is not None and truth.facts:
            first = self._tags.setdefault(promise.nonce, truth.object_id)
            is_used = first != truth.object_id
        payer = (payment or {}).get("user")
        return expected(truth, promise, payer=payer, is_tag_used=is_used).lines

    def write(self, missing: Iterable[tuple[Line, datetime]]) -> None:
        """Append lines, all in one commit of now."""
        listed = list(missing)
        if not listed:
            return
        now = self.stripe.clock()
        commit = self.story.commit(self.node, now)
        for line, at in listed:
            seq = self.story.line(self.node, at, commit=commit, **line)
            self.lines[line["kind"], key_of(line)] = {**line, "seq": seq}

    def agreeing(self) -> set[int]:
        """The numbers of its lines that say what the provider says now, as reconciling finds."""
        payments = {line.get("of_ref") or line.get("external_ref") for line in self.lines.values()}
        truths = [self.account.truth(payment) for payment in payments if payment is not None]
        agreed = [line_of(each) for truth in truths if truth for each in self.expected(truth)]
        return {
            line["seq"]
            for line in self.lines.values()
            if line["kind"] in {"pending", "ended"}
            or {name: value for name, value in line.items() if name != "seq"} in agreed
        }


def key_of(line: Line) -> str:
    """What a line is about, beside its kind."""
    return str(line.get("external_ref") or line["attempt"])


def line_of(each: ExpectedLine) -> Line:
    """The fields of a line that must exist."""
    stated = {**each._asdict(), "provider": ACCOUNT, "user": each.user or None}
    del stated["at"]
    return {name: value for name, value in stated.items() if value is not None}
