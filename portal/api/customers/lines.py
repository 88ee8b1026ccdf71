"""The lines of charges, read again from git and judged again, within limits.

Only mirrors of nodes that wrote usage of the account are opened, and only for reading: neither the
aggregator's lock nor its configuration is needed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import structlog

from aggregator.config.settings import Config
from aggregator.ledger.limits import judged_under
from aggregator.ledger.rejudge import InForce, decisions_of
from aggregator.ledger.rule_book import rule_book_in_force
from aggregator.ledger.segments import SegmentReader, segment_reader
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from aggregator.rating.rating import Rater
from aggregator.store.store import LedgerStore
from gitmeter.counting.decisions import Decisions
from portal.api.problems import not_now
from portal.api.request import Asked
from wire_format.lines import Folder
from wire_format.money import NANO

LOOKED_THROUGH_MAX: Final = 300_000
"""Most lines of files that are looked through for one answer."""
JUDGED_MAX: Final = 20_000
"""Most lines of an account that are judged again for one answer: a second's work at most."""

_RETRY_S: Final = 60
_log = structlog.get_logger()


class LinesAgain(NamedTuple):
    """What reads lines of one account again.

    Attributes:
        store: the ledger.
        nodes: the nodes that wrote any.
        state: the state directory with the mirrors.
        rater: rates under the rule book in force.
        decisions: the decisions in force.
    """

    store: LedgerStore
    nodes: frozenset[str]
    state: State
    rater: Rater
    decisions: Decisions

    @property
    def reader(self) -> SegmentReader:
        """Reads segments."""
        return segment_reader(self.state)

    @property
    def in_force(self) -> InForce:
        """What lines are judged by."""
        return InForce(self.decisions, self.rater)

    def to_look_through(self, hour: int) -> int:
        """How many lines the files have in which lines of an hour may be.

        Raises:
            ArchivedError: one of them is in an archive.
        """
        found = 0
        for segment in self.store.segments.at_hour(hour):
            if segment.folder is Folder.USAGE and segment.node in self.nodes:
                if self.state.mirrors.is_archived(segment.repo):
                    raise _ArchivedError(f"{segment.repo} is archived")
                found += segment.records
        return found


class _ArchivedError(MirrorError):
    """The lines are in an archive, which no request unpacks."""


@contextmanager
def reading_lines(asked: Asked, account_id: int) -> Iterator[LinesAgain]:
    """Read lines of the account that asks, for as long as the block runs.

    Raises:
        ProblemError: the block could not read one.
    """
    store = asked.store
    limits = judged_under(store)
    stated = {} if limits is None else limits._asdict()
    try:
        config = Config(state=asked.portal.config.state, **stated)
        state = State(config)
        rater = Rater(rule_book_in_force(store), config.charge_cost_max_usd * NANO)
        nodes = frozenset(each.node for each in store.account_nodes.of_account(account_id))
        yield LinesAgain(store, nodes, state, rater, decisions_of(store))
    except _ArchivedError:
        raise not_now("these lines are in an archive: ask the operator", _RETRY_S) from None
    except (MirrorError, OSError) as error:
        _log.warning("lines cannot be read", why=str(error))
        raise not_now("the lines of this cannot be read from git now", _RETRY_S) from None
