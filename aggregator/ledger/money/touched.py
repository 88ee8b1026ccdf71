"""What a transaction changes about money, to be judged at its end."""

from dataclasses import dataclass, field
from typing import NamedTuple

from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from wire_format.lines import Account, Money
from wire_format.plans import Plans
from wire_format.rule_book import RuleBook


class Ruled(NamedTuple):
    """The decisions and rules that lines are judged by, besides each other."""

    decisions: Decisions
    rule_book: RuleBook


@dataclass
class Touched:
    """What a transaction changed about money so far, to be judged at its end.

    Attributes:
        records: lines that came, went or changed what they are worth.
        plain: for each till or desk by its row the rows of new lines, where nothing earlier is
            touched.
        writers: the rows of tills and desks of which every line is to be judged.
        everything: whether the rules about providers or tenure changed, and so any line.
        plans_before: the plans of the rule book until now, where they changed; else None.
    """

    records: list[Money | Account] = field(default_factory=list)
    plain: dict[int, list[int]] = field(default_factory=dict)
    writers: set[int] = field(default_factory=set)
    everything: bool = False
    plans_before: Plans | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is to be judged."""
        is_line = self.records or self.plain or self.writers
        return not (is_line or self.everything or self.plans_before is not None)


def touched_by(store: LedgerStore, before: Ruled, after: Ruled) -> Touched:
    """What other decisions and rules alone change."""
    if before.decisions is after.decisions and before.rule_book is after.rule_book:
        return Touched()  # as with every push of usage
    touched = Touched()
    writers = store.writers.all()
    old, new = before.rule_book, after.rule_book
    if old.plans != new.plans:
        touched.plans_before = old.plans
    if old.writers != new.writers or old.tenure_min_nano != new.tenure_min_nano:
        touched.everything = True
        touched.writers.update(writers.values())
    elif writers:
        names = before.decisions.changed_writers(after.decisions)
        names.update(before.decisions.changed_nodes(after.decisions))
        if before.decisions.all_accepted_tips() != after.decisions.all_accepted_tips():
            names.update(writers)
        touched.writers.update(writers[name] for name in names & writers.keys())
    return touched
