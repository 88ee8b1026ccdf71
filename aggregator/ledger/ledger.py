"""The transaction: charges, balances, filed lines and the cursor change together, or not at all.

`Ledger.apply` is the one place where records become money in the database. Everything it needs was
fetched, read and decoded before. It rates the charges that the batch changes, updates the balances,
files what is held or rejected, and moves the cursor.
"""

from collections.abc import Mapping
from datetime import datetime

from aggregator.admission.batch import Batch, RuleFiles
from aggregator.config.settings import Config
from aggregator.incidents.filing import close_acknowledged, file_shown_by
from aggregator.incidents.kinds import IncidentKind
from aggregator.incidents.money import file_about_money
from aggregator.incidents.unrated import file_unrated
from aggregator.incidents.writers import file_about_writers
from aggregator.ledger.applied import Changes, Move
from aggregator.ledger.charges.charging import Charging
from aggregator.ledger.money.balances import Balances, Settled
from aggregator.ledger.money.rules import MoneyRules
from aggregator.ledger.money.touched import Ruled, Touched, touched_by
from aggregator.ledger.rejudge import InForce, decisions_of, judged_again
from aggregator.ledger.repriced import RepricingError, repriced_seqs
from aggregator.ledger.rule_book import rule_book_in_force, waiting_rule_book
from aggregator.ledger.segments import SegmentReader, UnreadableSegmentError
from aggregator.rating.discounts import DiscountLadder
from aggregator.rating.rating import Rater
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from gitmeter.counting.held import HeldReason
from gitmeter.money.places import MoneyLimits
from gitmeter.support.errors import with_hint
from wire_format.money import NANO


class Ledger:
    """The ledger in one database, rated under the rule book in force.

    Args:
        store: the database, open for writing; nothing else writes through it.
        config: the limits that lines and charges are judged under.
        gathers: whether usage of several repos may become charges together, where nobody reads
            the database before `charge_gathered`.

    Attributes:
        store: the database.
        rater: rates under the rule book in force.
        decisions: all decisions in force.
        tangled: for a repo, by name, the commit that was found to overlap too many earlier lines,
            and whether it was accepted; finding out costs too much to be done in each pass.
    """

    def __init__(self, store: LedgerStore, config: Config, *, gathers: bool = False) -> None:
        self.store = store
        self._config = config
        self._cost_max_nano = config.charge_cost_max_usd * NANO
        self.rater = Rater(rule_book_in_force(store), self._cost_max_nano)
        self.decisions = decisions_of(store)
        self.tangled: dict[str, tuple[str, bool]] = {}
        self._charging = Charging(store, gathers=gathers)
        self._balances = Balances(store)

    def apply(self, move: Move, changes: Changes, now: datetime) -> set[IncidentKind]:
        """Write changes and move the repo's cursor, in one transaction.

        Args:
            move: how the cursor moves.
            changes: what to write.
            now: the time (UTC) at which incidents that the records show are opened.

        Returns:
            The kinds of incidents that the records show and that are not acknowledged.

        Raises:
            CursorMovedError: another writer moved the cursor first; nothing was written.
        """
        rater, decisions = changes.rater or self.rater, changes.decisions or self.decisions
        repo, batch = move.repo, changes.own
        self._charging.begin(now)
        with self.store.transaction():
            self.store.cursors.move(repo.name, move.expected, move.tip)
            self.store.cursors.keep(repo.name, move.kept)
            if batch.rule_files is not None:
                self._let_rules_wait(changes.rules_wait, now)
                self.store.repos.save_rule_files(repo.id, batch.rule_files)
            self.store.decisions.change(repo.node_id, batch.decisions.values())
            parts = {repo.node_id: batch, **changes.others}
            self.store.writers.add_commits(repo.node_id, repo.id, batch.commits)
            touched = self._touched_by(decisions, rater)
            settled = self._write(parts, rater, decisions, touched)
            noticed = self._file_about_money(touched, settled, decisions, now)
            self.store.segments.insert(repo, batch.segments)
            noticed |= {IncidentKind.RULE_BOOK_WAITS} if changes.rules_wait else set()
            noticed |= file_shown_by(self.store, repo, batch, decisions, now)
            if changes.decisions is not None:
                close_acknowledged(self.store, decisions, now)
                self._let_wait(decisions, changes.unreadable, now)
                noticed |= {IncidentKind.DECISION_WAITS} if changes.unreadable else set()
            noticed |= self._file_unrated(now)
        self.rater, self.decisions = rater, decisions
        return noticed

    def settle(self, reader: SegmentReader, now: datetime) -> None:
        """Carry out decisions that wait, as far as the lines that they are about can be read now.

        Args:
            reader: reads segments again.
            now: the time (UTC) of the incident of each that still waits.

        Raises:
            OutOfResourcesError: nothing can be read now; nothing was written.
            StoppedError: the work is to end; as above.
        """
        if not self.decisions.waiting:
            return
        before, records = self.decisions, self.store.decisions.all()
        was, is_now = (InForce(each, self.rater) for each in (before, Decisions(records)))
        changes, unreadable = judged_again(self.store, reader, was, is_now, {})
        carried_out = Decisions(records, {node: before.about(node) for node in unreadable})
        self._charging.begin(now)
        with self.store.transaction():
            touched = self._touched_by(carried_out, self.rater)
            settled = self._write(changes, self.rater, carried_out, touched)
            self._file_about_money(touched, settled, carried_out, now)
            self._let_wait(carried_out, unreadable, now)
            self._file_unrated(now)
        self.decisions = carried_out

    def _let_wait(
        self,
        decisions: Decisions,
        unreadable: Mapping[str, UnreadableSegmentError],
        now: datetime,
    ) -> None:
        self.store.decisions.let_wait(decisions.waiting)
        found: dict[About, str] = {}
        for node, error in unreadable.items():
            repo_id = self.store.repos.named(error.repo).id
            found[repo_id, node] = f"a decision about {node} waits: {with_hint(error)}"
        self.store.incidents.file_all(IncidentKind.DECISION_WAITS, found, now)

    def decide(self, changes: Mapping[int, Batch], decisions: Decisions) -> None:
        """Put other decisions in force without filing them; only for trying them on a copy.

        Args:
            changes: what they change, by the node's id.
            decisions: all decisions in force from now on.
        """
        self._charging.begin(None)
        with self.store.transaction():
            touched = self._touched_by(decisions, self.rater)
            self._write(changes, self.rater, decisions, touched)
            self.store.charges.count_unrated(self._charging.changed.charges)
        self.decisions = decisions

    def _touched_by(self, decisions: Decisions, rater: Rater) -> Touched:
        """What other decisions and rules alone change about money."""
        before = Ruled(self.decisions, self.rater.rule_book)
        return touched_by(self.store, before, Ruled(decisions, rater.rule_book))

    def _write(
        self, parts: Mapping[int, Batch], rater: Rater, decisions: Decisions, touched: Touched
    ) -> Settled:
        """Write the changes of nodes; returns the money lines that were judged with them."""
        limits = MoneyLimits(
            rater.rule_book.writers, self._config.skew_s * 1_000_000, self._config.test
        )
        book = rater.rule_book
        rules = MoneyRules(limits, decisions, book.tenure_min_nano, book.plans)
        for node_id, batch in parts.items():
            self._balances.add(node_id, batch, rules, touched)
        settled = self._balances.settle(touched, rules)
        if rater is not self.rater:
            self._charging.rate_under(self.rater, rater)
        for account in settled.retenured:
            self._charging.rate_account(account, rater)
        for account, from_hour in settled.replanned:
            self._charging.replan(account, from_hour, rater)
        for node_id, batch in parts.items():
            self._charging.apply_usage(node_id, batch, rater)
            self.store.lines.add_seen(node_id, batch.seen)
            self.store.segments.insert_corrections(node_id, batch.corrections)
            self.store.lines.file_held(node_id, batch.held)
            if any(reason is HeldReason.BEYOND_LIMIT for _, reason in batch.held):
                self._charging.changed.nodes.add(node_id)
            self.store.lines.file_rejected(node_id, batch.rejected)
            self.store.lines.add_counts(node_id, batch.admitted, batch.duplicates)
        return settled

    def charge_gathered(self, now: datetime) -> None:
        """Charge the usage that was applied and waits to be charged.

        Args:
            now: the time (UTC) at which incidents that it shows are opened.
        """
        self._charging.begin(now)
        with self.store.transaction():
            self._charging.charge_gathered(self.rater)
            self._file_unrated(now)

    def promote_tiers(self, hour: int) -> None:
        """Set the displayed tier of every account to that at the start of a clock hour."""
        ladder: DiscountLadder = self.rater.ladder
        with self.store.transaction():
            self.store.accounts.save_tiers(
                [
                    (account_id, tier)
                    for account_id, paid_us, before in self.store.accounts.first_payments()
                    if (tier := ladder.tier_at(paid_us, hour)) != before
                ],
            )

    def rater_with(self, repo: str, files: RuleFiles) -> Rater:
        """Rates under the rule book that is in force once a repo has these files.

        Raises:
            RuleBookError: it cannot be used.
        """
        return Rater(rule_book_in_force(self.store, (repo, files)), self._cost_max_nano)

    def use_books(self, name: str, reader: SegmentReader, now: datetime) -> None:
        """Rate by the rule book of the configured books, if another one is in force.

        Where lines cannot be judged again under its prices it waits, which is an incident of their
        repo; the rule book in force stays so until a later call.

        Args:
            name: the repo that is configured as the books; empty if none is.
            reader: reads segments again.
            now: the time (UTC) of incidents.

        Raises:
            OutOfResourcesError: nothing can be read now; a later call tries again.
            StoppedError: the work is to end; as above.
        """
        repos = self.store.repos
        if repos.configured_books() != name:
            with self.store.transaction():
                if not repos.is_rule_book_waiting():
                    repos.keep_rules()
                repos.configure_books(name)
        if not repos.is_rule_book_waiting():
            return
        rater = Rater(waiting_rule_book(self.store), self._cost_max_nano)
        before, after = (InForce(self.decisions, each) for each in (self.rater, rater))
        try:
            repriced = repriced_seqs(self.store, reader, self.rater, rater)
            changes, _ = judged_again(self.store, reader, before, after, repriced)
        except RepricingError as error:
            with self.store.transaction():
                self._let_rules_wait(error, now)
            return
        self._charging.begin(now)
        with self.store.transaction():
            self._let_rules_wait(None, now)
            touched = self._touched_by(self.decisions, rater)
            settled = self._write(changes, rater, self.decisions, touched)
            self._file_about_money(touched, settled, self.decisions, now)
            self._file_unrated(now)
        self.rater = rater

    def _let_rules_wait(self, why: RepricingError | None, now: datetime) -> None:
        """Keep the rule book in force and say why, or else (None) let the newest be in force."""
        found: dict[About, str] = {}
        if why is None:
            self.store.repos.release_rules()
        else:
            if not self.store.repos.is_rule_book_waiting():
                self.store.repos.keep_rules()
            repo_id = self.store.repos.named(why.repo).id
            found[repo_id, ""] = f"the newest rule book waits: {with_hint(why)}"
        self.store.incidents.file_all(IncidentKind.RULE_BOOK_WAITS, found, now)

    def _file_about_money(
        self, touched: Touched, settled: Settled, decisions: Decisions, now: datetime
    ) -> set[IncidentKind]:
        nodes = {record.node for record in touched.records}.union(
            (line.record.node for line in settled.judged),
            (self.store.repos.node_name(node_id) for node_id in touched.writers),
        )
        shown = file_about_money(
            self.store, touched.records, settled.judged, settled.paid, decisions, now
        )
        return shown | file_about_writers(self.store, nodes, decisions, now)

    def _file_unrated(self, now: datetime) -> set[IncidentKind]:
        states = self.store.charges.count_unrated(self._charging.changed.charges)
        return file_unrated(self.store, states, self._charging.changed.nodes, now)
