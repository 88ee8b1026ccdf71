"""Verify the ledger against git: recompute everything from the accepted tips and compare."""

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.mirrors.state import State
from aggregator.proof.digest import BESIDE, SECTIONS, Difference, differences, digest
from aggregator.proof.judged_under import is_judged_under
from aggregator.proof.rebuild import scratch_ledger
from aggregator.store.store import LedgerStore
from gitmeter.support.bulk import Progress
from gitmeter.support.errors import GitmeterError


class LimitsChangedError(GitmeterError):
    """The ledger was made under other limits, nodes or roles, so a comparison proves nothing."""


class WaitingError(GitmeterError):
    """Decisions or a rule book wait, because lines that they are about cannot be read."""


class Verification(NamedTuple):
    """The result of comparing the database with git.

    Attributes:
        digest: the digest of the database.
        recomputed_digest: the digest of the ledger recomputed from git.
        rule_book: the SHA-256 of the rule book in force, in hex.
        cursors: the commit up to which each repo was compared, by repo name.
        differences: the first rows that differ.
        broken_references: how many rows of the database refer to a row that does not exist.
    """

    digest: str
    recomputed_digest: str
    rule_book: str
    cursors: Mapping[str, str]
    differences: list[Difference]
    broken_references: int

    @property
    def matches(self) -> bool:
        """Whether the database is what git says."""
        is_same = self.digest == self.recomputed_digest and not self.differences
        return is_same and self.broken_references == 0


def verify(
    state: State,
    store: LedgerStore,
    now: datetime,
    on_progress: Progress,
    differences_max: int,
) -> Verification:
    """Compare the database with git, over one consistent view of the database.

    The aggregator may continue to pull: what it adds after the view was taken is not compared.

    Args:
        state: the state directory, with the mirrors.
        store: the ledger.
        now: the time at which incidents count as opened in the recomputed ledger.
        on_progress: called after each recomputed commit.
        differences_max: the highest number of differing rows to return.

    Raises:
        LimitsChangedError: the ledger was made under other limits, nodes or roles.
        WaitingError: decisions are not carried out yet, or the newest rule book is not in force.
        MirrorError: a mirror is missing or lacks an accepted commit.
    """
    is_same = store.repos.configured_books() == state.config.books
    if not (is_same and is_judged_under(store, state.config)):
        raise LimitsChangedError(
            "the configuration has other limits, nodes, roles or books than the ledger",
            hint="`systemctl reload` the daemon, or without one `aggregator pull`; then verify",
        )
    if waiting := sorted(store.decisions.waiting()):
        raise WaitingError(
            f"decisions about {', '.join(waiting)} wait for a mirror that cannot be read",
            hint="`aggregator incidents` names it; a pull carries them out once it is restored",
        )
    if store.repos.is_rule_book_waiting():
        raise WaitingError(
            "the newest rule book waits for a mirror that cannot be read",
            hint="`aggregator incidents` names it; a pull brings it into force once it is restored",
        )
    with store.view():
        tips = store.cursors.tips()
        ours = digest(store)
        with scratch_ledger(state, tips, now, on_progress) as recomputed:
            theirs = digest(recomputed)
            sections = SECTIONS.keys() if ours != theirs else BESIDE
            found = list(islice(differences(store, recomputed, sections), differences_max))
        return Verification(
            digest=ours,
            recomputed_digest=theirs,
            rule_book=rule_book_in_force(store).sha256,
            cursors={name: tip.cursor for name, tip in tips.items()},
            differences=found,
            broken_references=store.reports.broken_references(),
        )
