"""Preview what a decision would change, on a copy of the ledger; the real one is not written.

The copy is changed by the code that would apply the decision, so a preview cannot differ from what
happens when it is taken.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from aggregator.balances.funds import CurrentFunds
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.rejudge import InForce, judged_again
from aggregator.ledger.segments import SegmentReader, segment_reader
from aggregator.mirrors.state import State
from aggregator.store.store import LedgerStore, open_for_writing
from gitmeter.counting.decisions import Decisions
from wire_format.lines import Decision


class Effect(NamedTuple):
    """A balance that would change: now, and then; amounts in nano-dollars."""

    user: str
    balance_nano: int
    balance_then_nano: int


class Preview:
    """A copy of the ledger in which decisions can be tried.

    Args:
        ledger: the copy.
        reader: reads segments again from git.
        now: the time of the preview.
    """

    def __init__(self, ledger: Ledger, reader: SegmentReader, now: datetime) -> None:
        self.ledger = ledger
        self.now = now
        self._reader = reader
        self._before = balances(ledger.store, now)

    def of_decision(self, decision: Decision) -> list[Effect]:
        """Return what one more decision would change; the copy is then as before.

        Raises:
            MirrorError: the lines that it is about cannot be read; the copy is as before.
        """
        before = self.ledger.decisions
        records = self.ledger.store.decisions.all()
        self._decide(Decisions([*records, decision], before.waiting))
        found = self.effects()
        self._decide(before)
        return found

    def effects(self) -> list[Effect]:
        """Return the balances that differ from the real ledger's, the largest change first."""
        after = balances(self.ledger.store, self.now)
        found = [
            Effect(user, self._before.get(user, 0), after.get(user, 0))
            for user in self._before.keys() | after.keys()
            if self._before.get(user, 0) != after.get(user, 0)
        ]
        return sorted(found, key=lambda e: (-abs(e.balance_then_nano - e.balance_nano), e.user))

    def _decide(self, decisions: Decisions) -> None:
        store, before = self.ledger.store, self.ledger.decisions
        rater = self.ledger.rater
        changes, unreadable = judged_again(
            store, self._reader, InForce(before, rater), InForce(decisions, rater), {}
        )
        for error in unreadable.values():
            raise error
        self.ledger.decide(changes, decisions)


@contextmanager
def preview(state: State, store: LedgerStore, now: datetime) -> Iterator[Preview]:
    """Copy the ledger for as long as the block runs.

    Args:
        state: the state directory, with the mirrors; the copy is in it.
        store: the ledger, which may be written to meanwhile.
        now: the time of the preview.
    """
    with TemporaryDirectory(prefix="scratch-", dir=state.scratch) as folder:
        path = Path(folder) / "ledger.db"
        store.copy_to(path)
        with closing(open_for_writing(path)) as copy:
            ledger = Ledger(copy, state.config)
            yield Preview(ledger, segment_reader(state), now)


def balances(store: LedgerStore, now: datetime) -> dict[str, int]:
    """Return every account's balance in nano-dollars, by user."""
    current = CurrentFunds(store, now)
    return {row["user"]: current.of(row).balance_nano for row in store.reports.accounts()}
