"""Whether a pass over all repos has brought the ledger up to date."""

from collections.abc import Iterable

from aggregator.incidents.kinds import BACKED_OFF
from aggregator.store.incident_rows import IncidentRows


def any_answers(incidents: IncidentRows, repos: Iterable[str]) -> bool:
    """Whether any repo could be read, or there is none.

    One that is silent delays what its node used; where all are, nobody knows what has happened.

    Args:
        incidents: of the ledger, after the pass.
        repos: names of the repos that are read.
    """
    silent = {row.repo for kind in BACKED_OFF for row in incidents.open_of_kind(kind)}
    names = set(repos)
    return not names or not names <= silent
