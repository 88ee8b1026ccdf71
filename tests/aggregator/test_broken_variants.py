"""The checker goes red: each rule of the ledger, broken on purpose, is found by a scenario.

Every scenario agrees with the reference as long as nothing is broken.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aggregator import admission, ingest, ledger, money, rating
from aggregator.admission import Admission, Admitted, Delivery
from aggregator.batch import Batch, HeldReason
from aggregator.database import charges, evidence
from aggregator.database import money as money_rows
from aggregator.database.connection import write_transaction
from aggregator.database.evidence import RepoRow
from aggregator.ingest import Ingest
from aggregator.ledger import Ledger
from aggregator.money import Credit, MoneyState
from aggregator.ranges import RangeSet
from aggregator.rating import Rater, Rating
from cursors.store import move_cursor
from tests.aggregator import scenarios
from tests.aggregator.telling import mismatches
from tests.aggregator.world import World, usage_line
from tests.support.reference import Ledger as Expected
from wire_format.instants import to_us
from wire_format.lines import Line, Money, Usage
from wire_format.segment import Segment

Patch = pytest.MonkeyPatch
Scenario = Callable[[World], Expected]


def dedup_by_content(patch: Patch) -> None:
    """Lines that are alike but for their number count once."""
    count_all = Admission._count_all

    def broken(self: Admission, claims: Sequence[Usage]) -> None:
        count_all(self, list({(c.ts, c.user, c.resource, c.units): c for c in claims}.values()))

    patch.setattr(Admission, "_count_all", broken)


def dedup_by_number(patch: Patch) -> None:
    """The time is left out of the key."""
    one_by_one = Admission._count_one_by_one

    def broken(
        self: Admission, claims: Sequence[Line], numbers: Sequence[int], at: Delivery
    ) -> None:
        new = [
            (claim, number)
            for claim, number in zip(claims, numbers, strict=True)
            if not self._seen.overlaps(claim.seq, claim.seq)
        ]
        if new:
            one_by_one(self, [claim for claim, _ in new], [number for _, number in new], at)

    patch.setattr(Admission, "_count_one_by_one", broken)


def first_one_wins(patch: Patch) -> None:
    """A conflict is decided by who came first."""

    def broken(self: Admission, newcomer: Admitted, rivals: Iterable[Admitted]) -> None:
        if list(rivals):
            self._hold(newcomer, HeldReason.CONFLICT)
        else:
            self._count(newcomer, 1)

    patch.setattr(Admission, "_decide", broken)


def last_one_wins(patch: Patch) -> None:
    """A conflict is decided by who came last."""
    patch.setattr(admission, "_precedence", lambda _: 0)


def seen_ranges_ignored(patch: Patch) -> None:
    """Everything looks new."""
    patch.setattr(RangeSet, "overlaps", lambda *_: False)


def seen_ranges_not_kept(patch: Patch) -> None:
    """The ranges do not survive the process."""
    patch.setattr(evidence, "add_seen", lambda *_: None)


def applied_lines_ignored(patch: Patch) -> None:
    """Nothing is compared with what is in the database."""
    patch.setattr(evidence, "segments_between", lambda *_: [])


def lines_of_this_batch_ignored(patch: Patch) -> None:
    """Nothing is compared with what the batch already holds."""
    lines_between = Ingest._lines_between

    def broken(self: Ingest, first: int, last: int) -> Iterator[Admitted]:
        batch = self._admission.batch
        pending, batch.segments = batch.segments, []
        found = list(lines_between(self, first, last))
        batch.segments = pending
        yield from found

    patch.setattr(Ingest, "_lines_between", broken)


def other_repos_ignored(patch: Patch) -> None:
    """The ranges belong to the repo, not to the node."""
    read_seen = evidence.read_seen

    def broken(connection: sqlite3.Connection, node_id: int) -> RangeSet:
        repos = connection.execute("SELECT count(*) FROM repo WHERE node_id = ?", (node_id,))
        return RangeSet() if repos.fetchone()[0] > 1 else read_seen(connection, node_id)

    patch.setattr(evidence, "read_seen", broken)


def cursor_moved_before_the_charges(patch: Patch) -> None:
    """In a transaction of its own, as once cost docs.rs some packages."""
    apply = Ledger.apply

    def broken(
        self: Ledger, repo: RepoRow, expected: str | None, tip: str, batch: Batch, now: datetime
    ) -> None:
        with write_transaction(self.connection):
            move_cursor(self.connection, repo.name, expected, tip)
        apply(self, repo, tip, tip, batch, now)

    patch.setattr(Ledger, "apply", broken)


def cursor_not_moved(patch: Patch) -> None:
    """Every pull reads everything again."""
    patch.setattr(ledger, "move_cursor", lambda *_: None)


def charges_before_the_transaction(patch: Patch) -> None:
    """Charges are committed by themselves; death after that bills them twice."""
    apply = Ledger.apply

    def broken(
        self: Ledger, repo: RepoRow, expected: str | None, tip: str, batch: Batch, now: datetime
    ) -> None:
        with write_transaction(self.connection):
            self._apply_usage(batch, self.rater)
        apply(self, repo, expected, tip, replace(batch, usage={}), now)

    patch.setattr(Ledger, "apply", broken)


def shortcut_though_lines_were_held(patch: Patch) -> None:
    """A blob counts as applied whole although some of its lines were held."""
    admit = Admission.admit

    def broken(self: Admission, segment: Segment, delivery: Delivery) -> bool:
        admit(self, segment, delivery)
        return True

    patch.setattr(Admission, "admit", broken)


def batch_applied_twice(patch: Patch) -> None:
    """Charges are added twice."""
    apply_usage = Ledger._apply_usage

    def broken(self: Ledger, batch: Batch, rater: Rater) -> None:
        apply_usage(self, batch, rater)
        apply_usage(self, batch, rater)

    patch.setattr(Ledger, "_apply_usage", broken)


def batch_not_emptied(patch: Patch) -> None:
    """What one transaction wrote is written by the next one too."""
    write = Ingest._write

    def broken(self: Ingest, cursor: str | None, tip: str) -> str:
        usage = dict(self._admission.batch.usage)
        result = write(self, cursor, tip)
        self._admission.batch.usage.update(usage)
        return result

    patch.setattr(Ingest, "_write", broken)


def foreign_lines_billed(patch: Patch) -> None:
    """Nobody looks at the node that a line names."""
    patch.setattr(admission, "_none_held", lambda *_: True)


def payment_does_not_rate_again(patch: Patch) -> None:
    """What was charged before the first payment was known stays as it is."""
    patch.setattr(Ledger, "_rate_again", lambda *_: None)


def price_does_not_rate_again(patch: Patch) -> None:
    """What was charged before the price was known stays as it is."""
    patch.setattr(ledger, "scope_of_change", lambda *_: None)


def rating_again_forgets_the_account(patch: Patch) -> None:
    """Charges follow a new price, balances do not."""
    patch.setattr(charges, "accounts_by_id", lambda *_: _Nobody())


class _Nobody(dict[int, Any]):
    def __missing__(self, _: int) -> Any:  # noqa: ANN401 - stands for any account
        return self

    def add_cost(self, *_: int) -> None:
        """Forget it."""


def grant_starts_tenure(patch: Patch) -> None:
    """A grant counts as a first payment."""
    credit = money.credit

    def broken(records: Iterable[Money]) -> Credit:
        counted = list(records)
        first = min((to_us(record.ts) for record in counted), default=None)
        return credit(counted)._replace(first_paid_us=first)

    patch.setattr(ledger, "credit", broken)


def references_ignored(patch: Patch) -> None:
    """Each line is a movement of its own."""
    patch.setattr(money, "movement", lambda _: None)
    patch.setattr(money_rows, "movement", lambda _: None)


def any_refund_counts(patch: Patch) -> None:
    """A refund needs no payment."""
    judge = money.judge

    def broken(records: Iterable[Money]) -> list[tuple[Money, MoneyState]]:
        return [
            (record, MoneyState.COUNTED if state is MoneyState.NO_PAYMENT else state)
            for record, state in judge(records)
        ]

    patch.setattr(ledger, "judge", broken)


def every_judged_line_decided(patch: Patch) -> None:
    """Lines of others, judged without their own payments, are written down too."""
    save_states, lines_to_judge = money_rows.save_states, money_rows.lines_to_judge
    judged: list[Any] = []

    def remember(connection: sqlite3.Connection, users: Iterable[str]) -> list[Money]:
        found = lines_to_judge(connection, users)
        judged[:] = money.judge(found)
        return found

    patch.setattr(money_rows, "lines_to_judge", remember)
    patch.setattr(money_rows, "save_states", lambda connection, _: save_states(connection, judged))


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


class Variant(NamedTuple):
    """A broken ledger, and the scenario that finds it."""

    breaks: Callable[[Patch], None]
    found_by: Scenario


VARIANTS = (
    Variant(dedup_by_content, scenarios.alike),
    Variant(dedup_by_number, scenarios.reused_number),
    Variant(first_one_wins, scenarios.smaller_last),
    Variant(first_one_wins, scenarios.smaller_last_at_once),
    Variant(last_one_wins, scenarios.smaller_first),
    Variant(seen_ranges_ignored, scenarios.redelivered),
    Variant(seen_ranges_not_kept, scenarios.redelivered),
    Variant(applied_lines_ignored, scenarios.redelivered),
    Variant(applied_lines_ignored, scenarios.smaller_last),
    Variant(lines_of_this_batch_ignored, scenarios.smaller_last_at_once),
    Variant(other_repos_ignored, scenarios.two_repos_of_one_node),
    Variant(cursor_moved_before_the_charges, scenarios.dies_at_the_last_step),
    Variant(cursor_not_moved, scenarios.alike),
    Variant(charges_before_the_transaction, scenarios.dies_at_the_last_step),
    Variant(shortcut_though_lines_were_held, scenarios.ahead_then_fine),
    Variant(batch_applied_twice, scenarios.alike),
    Variant(batch_not_emptied, scenarios.in_many_batches),
    Variant(foreign_lines_billed, scenarios.of_another_node),
    Variant(payment_does_not_rate_again, scenarios.late_payment),
    Variant(price_does_not_rate_again, scenarios.late_price),
    Variant(price_does_not_rate_again, scenarios.changed_price),
    Variant(rating_again_forgets_the_account, scenarios.changed_price),
    Variant(grant_starts_tenure, scenarios.only_a_grant),
    Variant(references_ignored, scenarios.repeated_payment),
    Variant(any_refund_counts, scenarios.refund_of_nothing),
    Variant(every_judged_line_decided, scenarios.refund_of_another_user),
    Variant(half_up, scenarios.a_tie),
    Variant(price_rounded_to_the_nano, scenarios.below_a_nano),
)


@pytest.mark.parametrize("scenario", scenarios.ALL, ids=lambda scenario: scenario.__name__)
def test_unbroken_the_scenario_agrees_with_the_reference(
    scenario: Scenario, tmp_path: Path
) -> None:
    world = World(tmp_path)
    expected = scenario(world)
    assert mismatches(world, expected) == []
    assert world.rebuilt_digest() == world.digest()
    assert world.verify().matches


@pytest.mark.parametrize(
    "variant", VARIANTS, ids=lambda v: f"{v.breaks.__name__}-{v.found_by.__name__}"
)
def test_broken_it_is_found(variant: Variant, tmp_path: Path, monkeypatch: Patch) -> None:
    """By a difference to the reference, or because the database itself refuses."""
    variant.breaks(monkeypatch)
    world = World(tmp_path)
    try:
        found = mismatches(world, variant.found_by(world))
    except sqlite3.IntegrityError as refusal:
        found = [str(refusal)]
    assert found


def test_every_scenario_that_finds_something_is_checked_unbroken() -> None:
    assert {variant.found_by for variant in VARIANTS} <= set(scenarios.ALL)


def test_the_shortcut_is_used_at_all(tmp_path: Path, monkeypatch: Patch) -> None:
    """A blob that was applied whole is not read again; otherwise breaking it would prove little."""
    world = World(tmp_path)
    world.usage(usage_line(seq=1))
    world.pull()
    monkeypatch.setattr(ingest, "read_segment", lambda *_: pytest.fail("read again"))
    world.usage(usage_line(seq=1))
    assert world.pull()["node-1"].duplicates == 1
