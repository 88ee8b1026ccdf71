"""The movements of providers that are lines of the books themselves."""

from collections import defaultdict
from collections.abc import Mapping

from books.earlier_lines import recorded_lines
from books.reconcile.judging.lines import movement_key
from gitmeter.counting.decisions import Decisions
from node_pusher.home.home import Home
from node_pusher.spool.api import Spool
from wire_format.lines import Decision, Folder, Money
from wire_format.segment import decode_segment


def own_movements(
    home: Home, spool: Spool, in_force: list[Decision]
) -> Mapping[str, Mapping[str, str]]:
    """For each account at a provider the user of each movement, by kind and reference.

    Args:
        home: of the books.
        spool: of the books.
        in_force: decisions; what they exclude is left out.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
    """
    found: dict[str, dict[str, str]] = defaultdict(dict)
    about = Decisions(in_force).of_node(home.node)
    for line in recorded_lines(home, spool, Folder.PAYMENTS, fetch=True):
        for record in decode_segment(line, Folder.PAYMENTS).records:
            if not isinstance(record, Money) or record.external_ref is None:
                continue
            if record.status == "succeeded" and about.excluding(record.seq, record.ts) is None:
                key = movement_key(record.kind, record.external_ref)
                found[record.provider][key] = record.user
    return found
