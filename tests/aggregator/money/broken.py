"""Rules about money lines, broken on purpose: one rule in each function."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction

import pytest

from aggregator.ledger.money.writers import WriterJudging
from aggregator.store.money import money_rows
from aggregator.store.money.writer_rows import WriterRows
from gitmeter.counting.effects import GIVES_BACK, credited_nano
from gitmeter.counting.held import HeldReason
from gitmeter.money import rivals, writer
from gitmeter.money.confirmed import Confirmed
from gitmeter.money.lineage import Spot
from gitmeter.money.pool import Payment, _Taken
from gitmeter.money.rivals import Contender
from gitmeter.money.writer import Copy, Stated, Worth, WriterGrounds, _Claiming
from wire_format.instants import to_us
from wire_format.lines import Money
from wire_format.money import parse_nano

Patch = pytest.MonkeyPatch


# which lines of one writer stand


def limits_by_time(patch: Patch) -> None:
    """What nobody confirmed is summed in the order of a time that the writer chooses."""
    right = writer._within_limit

    def broken(
        side: Sequence[_Claiming], grounds: WriterGrounds, *, takes: bool
    ) -> Iterator[tuple[bytes, Worth]]:
        by_time = sorted(side, key=lambda each: each.stated.record.ts)
        return iter(list(right(by_time, grounds, takes=takes)))

    patch.setattr(writer, "_within_limit", broken)


def _one_copy_alone(patch: Patch, chosen: Callable[..., Copy]) -> None:
    right = writer._claim

    def broken(stated: Stated, grounds: WriterGrounds) -> tuple[HeldReason | None, Copy]:
        one = chosen(stated.copies, key=lambda copy: copy.spot.at_us)
        return right(stated._replace(copies=[one]), grounds)

    patch.setattr(writer, "_claim", broken)


def latest_copy(patch: Patch) -> None:
    """A line is judged by its latest commit."""
    _one_copy_alone(patch, max)


def first_copy_alone(patch: Patch) -> None:
    """A line is judged by its first commit, though a later one may have it too."""
    _one_copy_alone(patch, min)


def nothing_is_cut_off(patch: Patch) -> None:
    """What a thief wrote counts after `only` too."""
    patch.setattr(Confirmed, "is_cut_off", lambda *_: False)


def older_repos_stay(patch: Patch) -> None:
    """`only` says nothing about a repo that its tip is not in."""
    right = Confirmed.is_cut_off

    def broken(self: Confirmed, spot: Spot) -> bool:
        only = self._only
        return (
            only is not None and self._lineage.is_same_root(spot.chain, only) and right(self, spot)
        )

    patch.setattr(Confirmed, "is_cut_off", broken)


def seen_is_ignored(patch: Patch) -> None:
    """An idle writer's key writes the past."""
    patch.setattr(Confirmed, "is_back_dated", lambda *_: False)


def the_first_line_has_the_number(patch: Patch) -> None:
    """Of different lines under one number the one of the earliest time stands."""

    def broken(each: _Claiming, _: WriterGrounds) -> tuple[int, bytes]:
        return to_us(each.stated.record.ts), each.stated.line

    patch.setattr(writer, "_under_number", broken)


def repeats_are_summed(patch: Patch) -> None:
    """A movement that is stated again counts towards the limit again."""
    patch.setattr(writer, "movement", lambda _: None)


def what_waits_is_not_summed(patch: Patch) -> None:
    """After a line that waits a smaller one may still pass."""
    right = writer._within_limit

    def broken(
        side: Sequence[_Claiming], grounds: WriterGrounds, *, takes: bool
    ) -> Iterator[tuple[bytes, Worth]]:
        kept: list[_Claiming] = []
        for each in side:
            *_, (line, worth) = right([*kept, each], grounds, takes=takes)
            kept += [each] if worth.reason is None else []
            yield line, worth

    patch.setattr(writer, "_within_limit", broken)


def one_sum_for_both(patch: Patch) -> None:
    """Payments, refunds and disputes are one sum."""
    patch.setattr(writer, "TAKES", frozenset())


def nothing_is_reconciled(patch: Patch) -> None:
    """What the operator confirmed uses up the limit all the same, and is no stronger."""
    patch.setattr(Confirmed, "covered_us", lambda *_: None)


# which of several writers' lines counts


def weak_lines_are_rivals(patch: Patch) -> None:
    """What waited when it was committed rivals others once the sum is lower."""
    right = writer._waited_at_commit

    def broken(side: Sequence[_Claiming], *arguments: object, **more: object) -> list[bool]:
        return [False for _ in right(side, *arguments, **more)]  # type: ignore[arg-type]

    patch.setattr(writer, "_waited_at_commit", broken)


def the_earliest_is_believed(patch: Patch) -> None:
    """Where writers disagree the one that states the earliest time counts."""
    patch.setattr(rivals, "_content", lambda *_: ())


def reconciled_lines_beat_nobody(patch: Patch) -> None:
    """A line that the provider confirms is one of several."""
    patch.setattr(Contender, "is_reconciled", property(lambda _: False))


def books_are_a_writer_like_others(patch: Patch) -> None:
    """Where writers disagree the operator's line settles nothing."""
    patch.setattr(Contender, "is_books", property(lambda _: False))


def users_of_refunds_must_agree(patch: Patch) -> None:
    """Lines about a payment that name other users are different."""
    patch.setattr(rivals, "OF_A_PAYMENT", frozenset())


def the_smaller_refund_counts(patch: Patch) -> None:
    """Of refunds that disagree the one that takes less."""
    right = rivals._amount_rank

    def broken(party: Sequence[Contender]) -> tuple[int, str]:
        amount, currency = right(party)
        return -amount, currency

    patch.setattr(rivals, "_amount_rank", broken)


def one_refund_for_all_payments(patch: Patch) -> None:
    """Refunds of one name are one, also of different payments."""

    def broken(parties: Iterable[list[Contender]], _: object) -> list[list[Contender]]:
        return [max(parties, key=rivals._amount_rank)]

    patch.setattr(rivals, "_largest_of_each", broken)


# what users have by the lines that count


def refunds_of_another_user_take_nothing(patch: Patch) -> None:
    """A refund takes from the user that it names, who may have no payment."""
    right = Payment.take

    def broken(self: Payment, record: Money) -> None:
        if record.user == self.record.user:
            right(self, record)

    patch.setattr(Payment, "take", broken)


def _leave(patch: Patch, taken_nano: Callable[[Mapping[str, int], int], int]) -> None:
    def broken(self: Payment, before_us: int = 2**63) -> int:
        kept_nano = self._amount_nano - taken_nano(self._sums(before_us), self._amount_nano)
        return round(Fraction(self.credit_nano * kept_nano, self._amount_nano))

    patch.setattr(Payment, "left_nano", broken)


def more_is_taken_than_was_paid(patch: Patch) -> None:
    """Refunds and disputes together take from other payments."""
    _leave(patch, lambda sums, _: max(0, sums["refund"]) + max(0, sums["dispute"]))


def reversals_give_without_limit(patch: Patch) -> None:
    """What is given back of disputes gives back refunds, and more than was paid."""
    _leave(patch, lambda sums, paid: min(paid, sums["refund"] + sums["dispute"]))


def any_line_takes_its_amount(patch: Patch) -> None:
    """A single line may take more than the payment, and so outlast what is given back."""

    def broken(self: Payment, record: Money) -> None:
        nano = credited_nano(record) if record.v == 1 else parse_nano(record.amount)
        pairs_with = "" if record.v == 1 else GIVES_BACK.get(record.kind, record.kind)
        sign = -1 if record.kind in GIVES_BACK else 1
        self._taken.append(_Taken(max(self.at_us, to_us(record.ts)), pairs_with, sign * nano))

    patch.setattr(Payment, "take", broken)


def taken_before_it_was_paid(patch: Patch) -> None:
    """A refund that is dated before its payment ends tenure before it begins."""
    right = Payment.take

    def broken(self: Payment, record: Money) -> None:
        right(self, record)
        self._taken[-1] = self._taken[-1]._replace(at_us=to_us(record.ts))

    patch.setattr(Payment, "take", broken)


def old_refunds_are_not_clipped(patch: Patch) -> None:
    """Refunds of version 1 take what refunds of version 2 have taken already."""

    def broken(self: Payment, before_us: int = 2**63) -> int:
        sums = self._sums(before_us)
        return self._left_by_amounts_nano(sums) - sums[""]

    patch.setattr(Payment, "left_nano", broken)


# what the ledger judges again


def a_new_tip_changes_nothing(patch: Patch) -> None:
    """A decision about a commit that was not there yet does not touch the lines that were."""
    patch.setattr(WriterJudging, "has_tip", lambda *_: False)


def rates_of_lines_that_may_not_be_there(patch: Patch) -> None:
    """A refund counts towards the limit at a rate that a line states which claims nothing."""
    patch.setattr(money_rows, "CLAIMS_NOTHING", frozenset())


def repeats_are_plain(patch: Patch) -> None:
    """A line with a new number touches no earlier one, though it states its movement again."""
    patch.setattr(WriterRows, "_repeats", lambda *_: False)


def rates_are_not_looked_at_again(patch: Patch) -> None:
    """A refund keeps the rate that was known when it came."""
    patch.setattr(WriterRows, "summing", lambda *_: set())
