"""A ledger, reduced to what automatic payments need: the lines of both tills, and balances."""

from datetime import datetime
from pathlib import Path

import pygit2

from gitmeter.money.topups.attempts import AttemptLine, attempts_of
from gitmeter.money.topups.judging import TopupCase, TopupStop, stop_of
from gitmeter.money.topups.settled import AutoTopup
from tests.till.charging.place import BELOW_USD, MONTH_USD, USD
from tests.till.place import ACCOUNT
from wire_format.instants import to_us
from wire_format.lines import Folder, Money
from wire_format.money import format_usd, parse_nano
from wire_format.posts.topup_due import AccountBelow
from wire_format.segment import decode_segment


def committed_lines(remote: Path, known: str | None) -> tuple[str | None, list[AttemptLine]]:
    """The tip of a bare repo, and the lines of the commits above another one, oldest first."""
    repo = pygit2.Repository(str(remote))
    if "refs/heads/main" not in repo.references:
        return None, []
    tip = str(repo.references["refs/heads/main"].target)
    found: list[AttemptLine] = []
    at: str | None = tip
    while at is not None and at != known:
        commit = repo[at].peel(pygit2.Commit)
        parent = str(commit.parent_ids[0]) if commit.parent_ids else None
        before = repo[parent].peel(pygit2.Commit).tree if parent else None
        diff = before.diff_to_tree(commit.tree) if before else commit.tree.diff_to_tree(swap=True)
        for delta in diff.deltas:
            if delta.new_file.path.startswith("payments/"):
                data = repo[delta.new_file.id].peel(pygit2.Blob).data
                lines = decode_segment(data, Folder.PAYMENTS).records
                found += [
                    AttemptLine(line, commit.commit_time * 10**6)
                    for line in lines
                    if isinstance(line, Money)
                ]
        at = parent
    return tip, sorted(found, key=lambda each: (each.committed_us, each.record.seq))


class LedgerModel:
    """What a ledger knows.

    Attributes:
        lines: those that it has read, with the times of their commits.
        below: whether it tells of crossings alone, as it must not.
    """

    def __init__(self, remotes: dict[str, Path], *, tells_crossings: bool = False) -> None:
        self._remotes = remotes
        self._tips: dict[str, str | None] = dict.fromkeys(remotes)
        self._tells_crossings = tells_crossings
        self._was_due: set[str] = set()
        self.lines: list[AttemptLine] = []
        self.seen: dict[str, int] = {}

    def read(self) -> None:
        """Read what is new."""
        for node, remote in self._remotes.items():
            tip, lines = committed_lines(remote, self._tips[node])
            self._tips[node] = tip
            self.lines += lines
            for line in lines:
                self.seen[node] = max(self.seen.get(node, 0), line.record.seq)

    def balance_nano(self, user: str, used_nano: int) -> int:
        """What an account has by the lines that were read."""
        return (
            sum(
                parse_nano(line.record.amount)
                for line in self.lines
                if line.record.kind == "payment" and line.record.user == user
            )
            - used_nano
        )

    def stop_of(self, user: str, used_nano: int, now: datetime) -> TopupStop | None:
        """Why an account is not due."""
        terms = AutoTopup.of_texts(USD, BELOW_USD, MONTH_USD)
        case = TopupCase(
            wanted=terms,
            settled_us=0,
            consent=terms,
            consented_us=0,
            is_suspended=False,
            is_in_question=False,
            taken_back_us=None,
            attempts=attempts_of(line for line in self.lines if line.record.user == user),
            balance_nano=self.balance_nano(user, used_nano),
        )
        return stop_of(case, to_us(now))

    def due(self, user: str, used_nano: int, consented: str, now: datetime) -> AccountBelow | None:
        """What is posted of an account; None if it is not due."""
        is_due = self.stop_of(user, used_nano, now) in {None, TopupStop.FAILED}
        was_due = user in self._was_due
        (self._was_due.add if is_due else self._was_due.discard)(user)
        if not is_due or (self._tells_crossings and was_due):
            return None
        paid = tuple(
            line.record.external_ref or ""
            for line in self.lines
            if line.record.kind == "payment" and line.record.user == user
        )
        balance = format_usd(self.balance_nano(user, used_nano))
        return AccountBelow(user, USD, BELOW_USD, MONTH_USD, balance, ACCOUNT, consented, paid)
