"""The lines about accounts in these books. Those of desks are in repos that the books do not read.

A line that a decision excludes, or a rival keeps out, is left out here as the aggregator leaves it
out.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from books.earlier_lines import recorded_decisions, recorded_lines
from gitmeter.counting.decisions import Decisions, NodeDecisions
from gitmeter.counting.grounds import Grounds, NoLimit
from gitmeter.counting.lines import Claim, Place
from gitmeter.counting.verdicts import verdicts
from node_pusher.home.home import Home
from node_pusher.sending import earlier_lines
from node_pusher.spool.api import Spool
from wire_format.lines import Account, Folder, Line
from wire_format.segment import decode_segment

_HERE: Final = Place("", "", 0)
_SEQ: Final = re.compile(rb'^\{"v":\d+,"node":"[^"]*","seq":(\d+),', re.MULTILINE)


def bring_here(home: Home) -> None:
    """Fetch the files of accounts and decisions that are not on this machine, and keep them.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: the remote does not provide them.
    """
    earlier_lines.bring_here(home, Folder.ACCOUNTS, Folder.DECISIONS)


def known_lines(home: Home, spool: Spool, user: str | None = None) -> list[Account]:
    """Every line about an account that no decision or rival keeps out, by seq.

    Args:
        home: of the books.
        spool: of the books.
        user: whose; None for everybody's.

    Raises:
        HomeError: the repo of the books is missing or damaged.
        RemoteError: a file is not on this machine, and the remote does not provide it.
    """
    decisions = Decisions(recorded_decisions(home, spool, fetch=True)).of_node(home.node)
    lines = recorded_lines(home, spool, Folder.ACCOUNTS, fetch=True)
    if user is None:
        return _admitted(lines, decisions)
    own = _about(list(lines), user)
    return [record for record in _admitted(own, decisions) if record.user == user]


def by_user(lines: Iterable[Account]) -> defaultdict[str, list[Account]]:
    """The lines of each account, in the order in which they came."""
    found: defaultdict[str, list[Account]] = defaultdict(list)
    for line in lines:
        found[line.user].append(line)
    return found


def waiting_seqs(spool: Spool) -> frozenset[int]:
    """The numbers of lines about accounts that the remote may not have yet.

    Raises:
        SpoolError: the spool cannot be read.
    """
    spooled = b"".join(earlier_lines.spooled_lines(spool.store, Folder.ACCOUNTS))
    return frozenset(int(number) for number in _SEQ.findall(spooled))


def _about(lines: list[bytes], user: str) -> list[bytes]:
    """The lines about an account, and those that have a number of theirs: rivals."""
    named = b'"user":"%b"' % user.encode()
    numbers = {_number(line) for line in lines if named in line}
    return [line for line in lines if _number(line) in numbers]


def _number(line: bytes) -> bytes:
    found = _SEQ.search(line)
    return found[1] if found else b""


def _admitted(lines: Iterable[bytes], decisions: NodeDecisions) -> list[Account]:
    claims = [Claim(record, line, _HERE) for line, record in _decoded(list(lines))]
    found = verdicts(claims, Grounds(decisions, NoLimit())).values()
    records = (claim.record for claim, reason in found if reason is None)
    return sorted((each for each in records if isinstance(each, Account)), key=_seq)


def _decoded(lines: list[bytes]) -> Iterator[tuple[bytes, Line]]:
    """Each line that is valid, decoded; all together, which is faster, if all are."""
    together = decode_segment(b"".join(lines), Folder.ACCOUNTS)
    if not together.rejects:
        yield from zip(lines, together.records, strict=True)
        return
    for line in lines:
        yield from ((line, record) for record in decode_segment(line, Folder.ACCOUNTS).records)


def _seq(record: Account) -> int:
    return record.seq
