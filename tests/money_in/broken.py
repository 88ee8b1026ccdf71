"""Tills and rules that are wrong on purpose: one mistake in each function, of those often made."""

import itertools
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest

from gitmeter.money import rivals
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.pool import Payment
from providers import expected as expecting
from providers.expected import ExpectedLine
from providers.interface import Fact, Truth
from providers.stripe import facts, units
from providers.stripe.account import StripeAccount
from providers.stripe.shapes import Dispute
from providers.tag import Promise
from tests.money_in.tills import ACCOUNT, WritingTill
from tests.support.providers.hooks import Hook
from wire_format.currencies import DECIMALS

Patch = pytest.MonkeyPatch


def _about(hook: Hook) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(hook.body)["data"]["object"]
    return found


def _expect(patch: Patch, change: Callable[[Truth, list[ExpectedLine]], Any]) -> None:
    """Let tills expect other lines than they should."""
    right = WritingTill.expected

    def broken(self: WritingTill, truth: Truth) -> Any:  # noqa: ANN401 - lines
        return change(truth, list(right(self, truth)))

    patch.setattr(WritingTill, "expected", broken)


def events_are_movements(patch: Patch) -> None:
    """Each delivery is a payment of its own."""
    numbers = itertools.count()

    def change(_: Truth, lines: list[ExpectedLine]) -> list[ExpectedLine]:
        event = f"_evt{next(numbers)}"
        return [line._replace(external_ref=line.external_ref + event) for line in lines]

    _expect(patch, change)


def completed_is_paid(patch: Patch) -> None:
    """A page that was completed is credited, whether it was paid or not."""
    hear = WritingTill.hear

    def broken(self: WritingTill, hook: Hook) -> None:
        if hook.kind == "checkout.session.completed":
            _credit(self, str(_about(hook)["payment_intent"]))
        hear(self, hook)

    patch.setattr(WritingTill, "hear", broken)


def _credit(till: WritingTill, payment: str) -> None:
    """Write that a payment succeeded, by what was promised for it."""
    truth = till.truth(payment)
    assert truth is not None
    pending = till.lines["pending", truth.attempt or ""]
    line = {**pending, "kind": "payment", "external_ref": payment, "status": "succeeded"}
    del line["seq"]
    till.write([(line, till.stripe.clock())])


def promised_is_paid(patch: Patch) -> None:
    """What is pending is money already."""
    offer = WritingTill.offer

    def broken(self: WritingTill, promise: Promise, attempt: str) -> str:
        page = offer(self, promise, attempt)
        line = {**self.lines["pending", attempt], "kind": "payment", "status": "succeeded"}
        del line["seq"]
        self.write([({**line, "external_ref": f"pi_{page}"}, promise.at)])
        return page

    patch.setattr(WritingTill, "offer", broken)


def refunds_are_cumulative(patch: Patch) -> None:
    """A refund's amount is that of all refunds so far, as a charge states it."""

    def change(_: Truth, lines: list[ExpectedLine]) -> list[ExpectedLine]:
        so_far, found = 0, []
        for line in lines:
            if line.kind == "refund":
                so_far += units.to_minor(line.amount, line.currency)
                line = line._replace(amount=units.from_minor(so_far, line.currency))  # noqa: PLW2901
            found.append(line)
        return found

    _expect(patch, change)


def a_failed_refund_is_a_refund(patch: Patch) -> None:
    """When a refund fails, a refund is written once more."""

    def change(_: Truth, lines: list[ExpectedLine]) -> list[ExpectedLine]:
        return [
            line._replace(kind="refund", external_ref=f"{line.external_ref}_failed")
            if line.kind == "refund_reversal"
            else line
            for line in lines
        ]

    _expect(patch, change)


def amounts_paired_by_order(patch: Patch) -> None:
    """What gives back gives back what was taken before it, in the order of the lines."""

    def broken(self: Payment, before_us: int = 2**63) -> int:
        taken_nano, all_nano = 0, self._amount_nano
        for each in self._taken:
            if each.at_us < before_us:
                taken_nano = min(all_nano, max(0, taken_nano + each.nano))
        return self.credit_nano * (all_nano - taken_nano) // all_nano

    patch.setattr(Payment, "left_nano", broken)


def a_sweep_by_creation(patch: Patch) -> None:
    """A sweep asks about the payments that were made since the last one, and no others."""

    def broken(self: WritingTill, since: datetime) -> list[str]:
        self.open.clear()
        made = self.stripe.objects.of("payment_intent")
        return [each["id"] for each in made if each["created"] >= since.timestamp()]

    patch.setattr(WritingTill, "moved_since", broken)


def tests_are_money(patch: Patch) -> None:
    """Nobody looks at the mode of what a webhook is about."""
    read = WritingTill.truth

    def of_both(self: WritingTill, name: str) -> Truth | None:
        if (found := read(self, name)) is not None:
            return found
        stripe = self.stripe
        with StripeAccount(ACCOUNT, "test", stripe.test_key, stripe.url) as other:
            return other.truth(name)

    patch.setattr(WritingTill, "truth", of_both)
    patch.setattr(WritingTill, "hear", lambda self, hook: self.ask(_about(hook)["id"]))


def decimals_of_the_standard(patch: Patch) -> None:
    """A provider counts in the units of ISO 4217, and takes every currency."""
    patch.setattr(units, "_decimals", lambda currency: DECIMALS[currency])
    patch.setattr(units, "_REFUSED", frozenset())


def a_tag_counts_for_every_payment(patch: Patch) -> None:
    """Whoever copies a tag is credited again."""
    patch.setattr(expecting, "_of_tag", _only_its_signature)


def _only_its_signature(truth: Truth, promise: Promise | None, **_: object) -> Any:  # noqa: ANN401
    return None if promise is not None else expecting.Remark.NOT_OURS


def an_inquiry_is_a_dispute(patch: Patch) -> None:
    """A dispute takes its amount, whether money went or not."""

    def broken(self: Any, dispute: Dispute) -> list[Fact]:  # noqa: ANN401 - what is said of a payment
        ref = dispute.id.replace("du_", "txn_")
        return [self._fact("dispute", ref, dispute.amount, self._charge.created)]

    patch.setattr(facts._Said, "dispute", broken)


def disputes_are_never_won(patch: Patch) -> None:
    """Money that came back is not looked at."""
    _expect(patch, lambda _, lines: [each for each in lines if each.kind != "dispute_reversal"])


def any_amount_is_as_promised(patch: Patch) -> None:
    """The tag is credited, whatever was paid."""
    patch.setattr(expecting, "_of_payment", lambda *_: None)


def any_metadata_names_a_user(patch: Patch) -> None:
    """A payment with a user in its metadata is one of ours."""
    take = WritingTill.take

    def broken(self: WritingTill, truth: Truth) -> None:
        take(self, truth)
        user = self.stripe.objects.by_id[truth.object_id].get("metadata", {}).get("user")
        for fact in truth.facts:
            if user and fact.kind == "payment":
                line = {"kind": "payment", "user": user, "provider": ACCOUNT}
                line |= {"external_ref": fact.external_ref, "status": "succeeded"}
                line |= {"amount": fact.amount, "currency": fact.currency}
                self.write([(line, fact.at)])

    patch.setattr(WritingTill, "take", broken)


def the_earliest_wins(patch: Patch) -> None:
    """Of several writers the one that states the earliest time is believed."""

    def broken(
        group: list[rivals.Contender],
        states: dict[rivals.Contender, rivals.MoneyState],
        _: Mapping[object, object],
    ) -> None:
        for entry in group:
            states[entry] = rivals.MoneyState.SAME_MOVEMENT
        states[group[0]] = rivals.MoneyState.COUNTED

    patch.setattr(rivals, "_settle", broken)


def nothing_is_cut_off(patch: Patch) -> None:
    """What a thief wrote stays."""
    patch.setattr(Confirmed, "is_cut_off", lambda *_: False)
