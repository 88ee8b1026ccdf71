"""The ledger, broken on purpose: each function breaks one rule and leaves the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from msgspec import structs

from aggregator.admission.admission import Admission, Source
from aggregator.admission.batch import Batch, ChargeKey
from aggregator.admission.claims import LineRules
from aggregator.admission.grouped import GroupedSegment, grouped
from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger import pending
from aggregator.ledger.applied import Changes, Move
from aggregator.ledger.charges import charging
from aggregator.ledger.charges.charging import Charging
from aggregator.ledger.ingest import Ingest, Stretch
from aggregator.ledger.known_lines import NodeLines
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.money import balances
from aggregator.ledger.pending import Pending
from aggregator.ledger.seen_seqs import NodeSeqs
from aggregator.rating import rating
from aggregator.rating.rating import Rater, Rating
from aggregator.store.account_rows import AccountRows
from aggregator.store.line_rows import LineRows
from aggregator.store.money import money_rows
from aggregator.store.segment_rows import SegmentPlace, SegmentRows
from cursors.rows import CursorRows
from gitmeter.counting import verdicts
from gitmeter.counting.effects import credited_nano
from gitmeter.money import pool, rivals
from gitmeter.money.granted import Hours
from gitmeter.money.pool import Credit, credits_of
from gitmeter.money.rivals import Contender, Judged, MoneyState, judge
from gitmeter.money.tenure import BEFORE_ALL_HOURS, TenureStep
from wire_format.instants import to_us
from wire_format.lines import Line, Money, Usage
from wire_format.segment import Segment

Patch = pytest.MonkeyPatch


def dedup_by_content(patch: Patch) -> None:
    """Lines that are alike but for their number count once."""

    def broken(segment: Segment) -> GroupedSegment | None:
        usage = [line for line in segment.records if isinstance(line, Usage)]
        alike = list({(c.ts, c.user, c.resource, c.units): c for c in usage}.values())
        return grouped(segment._replace(records=alike))

    patch.setattr(pending, "grouped", broken)


def dedup_by_number(patch: Patch) -> None:
    """The time is left out of the key."""
    one_by_one = Admission._count_one_by_one

    def broken(self: Admission, claims: Sequence[Line], numbers: Sequence[int], at: Source) -> None:
        new = [
            (claim, number)
            for claim, number in zip(claims, numbers, strict=True)
            if not self._seen.overlaps(claim.seq, claim.seq)
        ]
        if new:
            one_by_one(self, [claim for claim, _ in new], [number for _, number in new], at)

    patch.setattr(Admission, "_count_one_by_one", broken)


def first_one_wins(patch: Patch) -> None:
    """Of conflicting lines the first to arrive counts."""
    patch.setattr(verdicts, "precedence", lambda _: 0)


def last_one_wins(patch: Patch) -> None:
    """Of conflicting lines the last to arrive counts."""
    patch.setattr(verdicts, "_winner", lambda lines, _: list(lines.values())[-1])


def seen_ranges_ignored(patch: Patch) -> None:
    """Everything looks new."""
    patch.setattr(NodeSeqs, "overlaps", lambda *_: False)
    patch.setattr(NodeSeqs, "among", lambda *_: set())


def seen_ranges_not_kept(patch: Patch) -> None:
    """The ranges do not survive the process."""
    patch.setattr(LineRows, "add_seen", lambda *_: None)


def applied_lines_ignored(patch: Patch) -> None:
    """New lines are not compared with those in the database."""
    patch.setattr(SegmentRows, "among", lambda *_: [])


def lines_of_this_batch_ignored(patch: Patch) -> None:
    """New lines are not compared with those in the batch."""
    places = NodeLines._places

    def broken(self: NodeLines, ascending: Sequence[int]) -> Iterator[SegmentPlace]:
        pending, self._batch.segments = self._batch.segments, []
        found = list(places(self, ascending))
        self._batch.segments = pending
        yield from found

    patch.setattr(NodeLines, "_places", broken)


def other_repos_ignored(patch: Patch) -> None:
    """The ranges belong to the repo, not to the node."""
    has_seen, seen_among = LineRows.has_seen, LineRows.seen_among

    def has_several(self: LineRows, node_id: int) -> bool:
        repos = self._connection.execute("SELECT count(*) FROM repo WHERE node_id = ?", (node_id,))
        return bool(repos.fetchone()[0] > 1)

    patch.setattr(
        LineRows,
        "has_seen",
        lambda self, node_id, *span: (
            not has_several(self, node_id) and has_seen(self, node_id, *span)
        ),
    )
    patch.setattr(
        LineRows,
        "seen_among",
        lambda self, node_id, seqs: (
            set() if has_several(self, node_id) else seen_among(self, node_id, seqs)
        ),
    )


def cursor_moved_before_the_charges(patch: Patch) -> None:
    """The cursor moves in a transaction of its own."""
    apply = Ledger.apply

    def broken(self: Ledger, move: Move, changes: Changes, now: datetime) -> set[IncidentKind]:
        with self.store.transaction():
            self.store.cursors.move(move.repo.name, move.expected, move.tip)
        return apply(self, replace(move, expected=move.tip), changes, now)

    patch.setattr(Ledger, "apply", broken)


def cursor_not_moved(patch: Patch) -> None:
    """Every pull reads everything again."""
    patch.setattr(CursorRows, "move", lambda *_: None)


def charges_before_the_transaction(patch: Patch) -> None:
    """Charges are committed by themselves; a process that dies after that bills them twice."""
    apply = Ledger.apply

    def broken(self: Ledger, move: Move, changes: Changes, now: datetime) -> set[IncidentKind]:
        with self.store.transaction():
            self._charging.apply_usage(move.repo.node_id, changes.own, self.rater)
        return apply(self, move, replace(changes, own=replace(changes.own, usage={})), now)

    patch.setattr(Ledger, "apply", broken)


def shortcut_though_lines_were_held(patch: Patch) -> None:
    """A blob counts as applied whole although some of its lines were held."""
    admit = Admission.admit

    def broken(self: Admission, segment: Segment, source: Source) -> bool:
        admit(self, segment, source)
        return True

    patch.setattr(Admission, "admit", broken)


def batch_applied_twice(patch: Patch) -> None:
    """Charges are added twice."""
    apply_usage = Charging.apply_usage

    def broken(self: Charging, node_id: int, batch: Batch, rater: Rater) -> None:
        apply_usage(self, node_id, batch, rater)
        apply_usage(self, node_id, batch, rater)

    patch.setattr(Charging, "apply_usage", broken)


def batch_not_emptied(patch: Patch) -> None:
    """What one transaction wrote is written by the next one too."""
    begin, write = Ingest._begin, Ingest._write
    written: dict[ChargeKey, list[int]] = {}

    def begin_with_the_last(self: Ingest) -> Pending:
        pending = begin(self)
        pending.batch.usage.update(written)
        return pending

    def write_and_keep(self: Ingest, pending: Pending, stretch: Stretch) -> None:
        write(self, pending, stretch)
        written.update(pending.batch.usage)

    patch.setattr(Ingest, "_begin", begin_with_the_last)
    patch.setattr(Ingest, "_write", write_and_keep)


def foreign_lines_billed(patch: Patch) -> None:
    """The node that a line names is not checked."""
    patch.setattr(LineRules, "hold_none", lambda *_: True)
    patch.setattr(LineRules, "held_reason", lambda *_: None)


def payment_does_not_rate_again(patch: Patch) -> None:
    """What was charged before the first payment was known stays as it is."""
    patch.setattr(Charging, "_rate_again", lambda *_: None)


def price_does_not_rate_again(patch: Patch) -> None:
    """What was charged before the price was known stays as it is."""
    patch.setattr(charging, "scope_of_change", lambda *_: None)


def rating_again_forgets_the_account(patch: Patch) -> None:
    """Charges follow a new price, balances do not."""
    patch.setattr(AccountRows, "by_id", lambda *_: _Nobody())


class _Nobody(dict[int, Any]):
    def __missing__(self, _: int) -> Any:  # noqa: ANN401 - stands for any account
        return self

    def add_cost(self, *_: int) -> None:
        """Forget it."""


def grant_starts_tenure(patch: Patch) -> None:
    """A grant counts as a first payment."""

    def broken(lines: Iterable[Judged], *more: Any) -> dict[str, Credit]:  # noqa: ANN401
        listed = list(lines)
        counted = [line.record for line in listed if line.state is MoneyState.COUNTED]
        return {
            user: credit._replace(tenure=(_first_step(r for r in counted if r.user == user),))
            for user, credit in credits_of(listed, *more).items()
        }

    patch.setattr(balances, "credits_of", broken)


def _first_step(records: Iterable[Money]) -> TenureStep:
    return TenureStep(BEFORE_ALL_HOURS, min(to_us(record.ts) for record in records))


def references_ignored(patch: Patch) -> None:
    """Each line is a movement of its own."""
    patch.setattr(rivals, "movement", lambda _: None)
    patch.setattr(money_rows, "movement", lambda _: None)


def any_refund_counts(patch: Patch) -> None:
    """A refund needs no payment."""

    def broken(entries: Iterable[Contender]) -> list[Judged]:
        return [
            Judged(_taken_anyway(line.record), MoneyState.COUNTED)
            if line.state is MoneyState.NO_PAYMENT
            else line
            for line in judge(entries)
        ]

    patch.setattr(balances, "judge", broken)


def _taken_anyway(refund: Money) -> Money:
    amount = f"-{refund.credited_usd or refund.amount}"
    return structs.replace(refund, kind="adjustment", amount=amount, credited_usd=None)


def refunds_until_the_payment_is_used_up(patch: Patch) -> None:
    """Each refund counts whole as it comes, as long as no more than the payment was given back."""

    def broken(entries: Iterable[Contender]) -> list[Judged]:
        left: dict[Money, int] = {}
        found = []
        for line in judge(entries):
            if line.payment is not None:
                amount = credited_nano(line.record)
                rest = left.setdefault(line.payment, credited_nano(line.payment))
                if amount > rest:
                    found.append(Judged(line.record, MoneyState.COUNTED))
                    continue
                left[line.payment] = rest - amount
            found.append(line)
        return found

    patch.setattr(balances, "judge", broken)


def refund_ends_tenure_at_once(patch: Patch) -> None:
    """A payment that was refunded never counted for tenure, in closed hours too."""
    alive = pool.Payment.alive

    def broken(self: pool.Payment, least_nano: int) -> Iterator[Hours]:
        return alive(self, least_nano) if self.left_nano() >= least_nano else iter(())

    patch.setattr(pool.Payment, "alive", broken)


def half_up(patch: Patch) -> None:
    """Ties are rounded up."""
    patch.setattr(rating, "divide_half_even", lambda n, d: (2 * n + d) // (2 * d))


def price_rounded_to_the_nano(patch: Patch) -> None:
    """What one unit costs is rounded before it is multiplied."""

    def broken(self: Rater, quantity: int, *key: Any) -> Rating:  # noqa: ANN401 - as `rate` has them
        one = rate(self, 1, *key)
        return Rating(one.state, quantity * one.list_cost_nano, quantity * one.billed_cost_nano)

    rate = Rater.rate
    patch.setattr(Rater, "rate", broken)
