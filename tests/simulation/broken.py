"""The product, broken on purpose: each way must be found within a few seeds.

`python -m tests.simulation --broken NAME` runs seeds on one of them; `--broken all` on each.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import pytest

from aggregator.admission.claims import LineRules
from aggregator.admission.settlement import Settlement
from aggregator.ledger.charges.draws import GrantDraws
from aggregator.ledger.charges.following import Following
from aggregator.ledger.ingest import Ingest
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.money import balances
from aggregator.mirrors.mirror import Mirror
from aggregator.pulling import repo_pass
from cursors.position import Advance, HeadOutcome, advance
from gitmeter.counting import verdicts
from gitmeter.counting.held import HeldReason
from gitmeter.git_remote.branch import BranchStatus, RemoteBranch
from gitmeter.money import grants
from node_pusher.joining import carry_over, init
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending import push as pushing
from node_pusher.sending.commit import commit_unsent
from node_pusher.spool import plan
from node_pusher.spool.ids import Ids
from node_pusher.spool.store import Store
from tests.aggregator.broken_variants.broken import (
    batch_applied_twice,
    charges_before_the_transaction,
    dedup_by_content,
    grant_starts_tenure,
    payment_does_not_rate_again,
    seen_ranges_ignored,
    seen_ranges_not_kept,
    shortcut_though_lines_were_held,
)
from wire_format.lines import Line, Usage

Patch = pytest.MonkeyPatch


def cursor_moved_before_the_transaction(patch: Patch) -> None:
    """In a transaction of its own, as once cost docs.rs some packages."""
    apply = Ledger.apply

    def broken(self: Ledger, move: Any, changes: Any, now: datetime) -> Any:  # noqa: ANN401
        with self.store.transaction():
            self.store.cursors.move(move.repo.name, move.expected, move.tip)
        return apply(self, replace(move, expected=move.tip), changes, now)

    patch.setattr(Ledger, "apply", broken)


def foreign_lines_billed(patch: Patch) -> None:
    """Nobody looks at the node that a line names."""
    held_reason = LineRules.held_reason

    def broken(self: LineRules, record: Line, committed_at: datetime) -> HeldReason | None:
        found = held_reason(self, record, committed_at)
        return None if found is HeldReason.WRONG_NODE else found

    patch.setattr(LineRules, "held_reason", broken)


def decisions_do_not_judge_again(patch: Patch) -> None:
    """A decision holds only on lines that come after it."""

    def broken(self: Settlement, grounds: Any, *_: object) -> None:  # noqa: ANN401
        self.grounds = grounds

    patch.setattr(Settlement, "adopt", broken)


def corrections_below_zero(patch: Patch) -> None:
    """Any correction of a record that counts, counts."""
    judge = verdicts._judge_corrections

    def broken(original: Usage | None, group: Any) -> Any:  # noqa: ANN401
        found = judge(original, group)
        lenient = {HeldReason.BELOW_ZERO, HeldReason.NO_ORIGINAL}
        return {k: (c, None if why in lenient else why) for k, (c, why) in found.items()}

    patch.setattr(verdicts, "_judge_corrections", broken)


def applied_ref_not_kept(patch: Patch) -> None:
    """The mirrors do not remember what was billed."""
    patch.setattr(Mirror, "advance_applied", lambda *_: None)


def rewritten_history_followed(patch: Patch) -> None:
    """A head that does not build on the cursor is walked all the same."""

    def broken(cursor: str | None, head: str | None, first_parent: Any, *more: Any) -> Advance:  # noqa: ANN401
        found = advance(cursor, head, first_parent, *more)
        if found.outcome not in {HeadOutcome.REWRITTEN, HeadOutcome.SET_BACK}:
            return found
        return advance(None, head, first_parent)

    patch.setattr(repo_pass, "advance", broken)


def edited_history_followed(patch: Patch) -> None:
    """A commit that changes segments is walked as any other."""
    reason_to_stop = Ingest._reason_to_stop
    patch.setattr(
        Ingest,
        "_reason_to_stop",
        lambda self, delta, **how: reason_to_stop(self, delta._replace(edited=()), **how),
    )


def push_believed_without_read_back(patch: Patch) -> None:
    """What git says of a push is taken for what the remote holds."""
    settle = pushing._Delivery._settle

    def broken(self: pushing._Delivery, _seen: RemoteBranch) -> tuple[int, int]:
        return settle(self, RemoteBranch(BranchStatus.PRESENT, self.repo.tip))

    patch.setattr(pushing._Delivery, "_settle", broken)


def spool_retired_before_the_push(patch: Patch) -> None:
    """What is committed is forgotten, and pushed afterwards."""

    def broken(store: Store, repo: LedgerRepo, now: datetime, **options: Any) -> Any:  # noqa: ANN401
        made = commit_unsent(store, repo, now, **options)
        for commit in made.commits:
            for segment in repo.segments_of(commit):
                store.retire(segment)
        return made

    patch.setattr(pushing, "commit_unsent", broken)


def seq_reused_after_a_restore(patch: Patch) -> None:
    """Who rejoins goes on with the numbers of the copy."""

    def broken(self: Store, _floor: int) -> int:
        return self.state().next_seq

    patch.setattr(Store, "raise_next_seq", broken)


def epoch_not_changed_by_a_new_home(patch: Patch) -> None:
    """A new home goes on right above what the remote holds."""
    patch.setattr(init, "highest_used", _last_of)
    patch.setattr(init, "first_seq_above", lambda highest: highest + 1)


def _last_of(repo: LedgerRepo, tips: Iterable[str]) -> int:
    stated = [next(repo.history(tip)).summary for tip in tips]
    return max((summary.last_seq for summary in stated if summary is not None), default=0)


def rejoin_forgets_what_waits(patch: Patch) -> None:
    """Commits that the remote has not are dropped, and not put back into the spool."""
    patch.setattr(carry_over, "_put_back", lambda *_: True)


def ids_not_kept(patch: Patch) -> None:
    """A retry is a new record."""
    patch.setattr(Ids, "outcome", lambda *_: None)


def last_record_left_out_of_its_segment(patch: Patch) -> None:
    """The last record of a segment is left out of it, and counts as committed."""
    segments = plan._segments

    def broken(*args: Any) -> Iterator[Any]:  # noqa: ANN401
        for group, whole in segments(*args):
            yield group, plan.Span(whole.first, max(whole.first, whole.last - 1))

    patch.setattr(plan, "_segments", broken)


def grants_drawn_by_arrival(patch: Patch) -> None:
    """What grants paid stays as it was when it came, whatever comes before it later."""
    patch.setattr(GrantDraws, "anew", lambda *_: None)


def each_change_gets_fresh_units(patch: Patch) -> None:
    """What a plan includes is given again to whatever comes, as if nothing had been used."""
    patch.setattr(Following, "_given_before", lambda *_: 0)


def voids_ignored(patch: Patch) -> None:
    """A grant that somebody ended pays on."""
    patch.setattr(grants, "_void_hours", lambda _: {})


def terms_hold_for_later_usage(patch: Patch) -> None:
    """A plan line or a grant that comes late does nothing to usage that is there."""
    patch.setattr(balances, "first_hour_changed", lambda *_: None)


class Variant(NamedTuple):
    """A broken product, and a seed that finds it."""

    breaks: Callable[[Patch], None]
    seed: int


VARIANTS: Final = {
    variant.breaks.__name__: variant
    for variant in (
        Variant(cursor_moved_before_the_transaction, 5),
        Variant(charges_before_the_transaction, 1),
        Variant(batch_applied_twice, 1),
        Variant(dedup_by_content, 1),
        Variant(seen_ranges_ignored, 2),
        Variant(seen_ranges_not_kept, 1),
        Variant(foreign_lines_billed, 1),
        Variant(shortcut_though_lines_were_held, 90),
        Variant(payment_does_not_rate_again, 34),
        Variant(grant_starts_tenure, 2),
        Variant(decisions_do_not_judge_again, 21),
        Variant(corrections_below_zero, 90),
        Variant(applied_ref_not_kept, 1),
        Variant(rewritten_history_followed, 26),
        Variant(edited_history_followed, 14),
        Variant(push_believed_without_read_back, 5),
        Variant(spool_retired_before_the_push, 1),
        Variant(seq_reused_after_a_restore, 8),
        Variant(epoch_not_changed_by_a_new_home, 1),
        Variant(rejoin_forgets_what_waits, 9),
        Variant(ids_not_kept, 1),
        Variant(last_record_left_out_of_its_segment, 1),
        Variant(grants_drawn_by_arrival, 9),
        Variant(each_change_gets_fresh_units, 9),
        Variant(voids_ignored, 9),
        Variant(terms_hold_for_later_usage, 8),
    )
}
