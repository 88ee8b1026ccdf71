"""What changed since an earlier statement of the same account and period, and by which commits.

A statement is made from commits. What it says differently later comes from those that were billed
since, and only from these: lines of the account, decisions, and rule books.
"""

from collections.abc import Callable, Container, Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from aggregator.mirrors.commit_delta import BILLED, CommitDelta, commit_delta
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.mirrors import Mirrors
from aggregator.reports.basis import Answer
from aggregator.store.account_rows import AccountRow
from aggregator.store.store import LedgerStore
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_ts
from wire_format.lines import Folder

_SAME: Final = ("user", "from", "until")
_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "money": ("ts", "kind", "node", "seq"),
    "fees": ("ts", "plan", "from"),
    "usage": ("resource", "applies_to", "multiplier"),
    "grants": ("grant",),
}
"""What the rows of each part of a statement are told apart by."""
_SUM_OF: Final = {
    "money": "nano",
    "fees": "nano",
    "usage": "billed_cost_nano",
    "grants": "closing_nano",
}


class NoEarlierStatementError(GitmeterError):
    """A file is not an earlier statement of the same account and period."""


def check_earlier(earlier: Any, found: Answer) -> None:  # noqa: ANN401 - read from a file
    """Refuse what is not an earlier statement of the same account and period.

    Raises:
        NoEarlierStatementError: it is not.
    """
    is_statement = isinstance(earlier, dict) and {*_SAME, *_KEYS, "sums"} <= earlier.keys()
    if not is_statement or any(earlier[name] != found[name] for name in _SAME):
        of = f"{found['user']} from {found['from']} until {found['until']}"
        raise NoEarlierStatementError(
            f"the file is not a statement of {of}",
            hint="`aggregator statement USER PERIOD --json` wrote it; the period must be over",
        )


def changes(earlier: Answer, found: Answer) -> list[Answer]:
    """Return what two statements say differently.

    Returns:
        `part`, `what` is its name there, and `before_nano` and `after_nano`; None where one of them
        does not have it.
    """
    listed = [
        _change("balance", name, earlier[f"{name}_balance_nano"], found[f"{name}_balance_nano"])
        for name in ("opening", "closing")
    ]
    for part, keys in _KEYS.items():
        was, is_now = (
            {tuple(str(row[key]) for key in keys): row for row in each[part]}
            for each in (earlier, found)
        )
        for key in sorted({*was, *is_now}):
            if was.get(key) != is_now.get(key):
                sums = (
                    None if row is None else row[_SUM_OF[part]]
                    for row in (was.get(key), is_now.get(key))
                )
                listed.append(_change(part, " ".join(key), *sums))
    return [each for each in listed if each["before_nano"] != each["after_nano"]]


def _change(part: str, what: str, before_nano: int | None, after_nano: int | None) -> Answer:
    return {"part": part, "what": what, "before_nano": before_nano, "after_nano": after_nano}


def commits_since(
    store: LedgerStore, mirrors: Mirrors, account: AccountRow, before: Mapping[str, Tips]
) -> Iterator[Answer]:
    """Yield the commits since earlier ones that have something about an account, oldest first.

    Args:
        store: the ledger, in a view.
        mirrors: the mirrors.
        account: the account.
        before: the earlier commits, by repo.

    Returns:
        for each commit the number of `usage`, `payments` and `accounts` lines that name the
        account, of `decisions`, which may be about anybody, and whether it changes the `rules`.

    Raises:
        MirrorError: a mirror cannot be read.
    """
    own_text = f'"user":"{account.user}"'.encode()
    nodes = {each.node for each in store.account_nodes.of_account(account.id)}
    repos = {
        name: each
        for name, each in store.repos.judged_by().items()
        if each.role != "usage" or each.node in nodes
    }
    for name, mirror, delta in new_deltas(store, mirrors, before, repos):
        answer = commit_answer(name, mirror, delta, lambda line: own_text in line)
        if answer is not None:
            yield answer


def new_deltas(
    store: LedgerStore, mirrors: Mirrors, before: Mapping[str, Tips], repos: Container[str]
) -> Iterator[tuple[str, Mirror, CommitDelta]]:
    """The commits of some repos that were billed since earlier ones, with the repo, oldest first.

    Args:
        store: the ledger, in a view.
        mirrors: the mirrors.
        before: the earlier commits, by repo.
        repos: the names of the repos.

    Raises:
        MirrorError: a mirror cannot be read.
    """
    for name, tips in sorted(store.cursors.tips().items()):
        if name in repos:
            mirror = mirrors.open_named(name)
            for commit in _new_commits(mirror, tips, before.get(name)):
                yield name, mirror, commit_delta(mirror, commit, BILLED)


def commit_answer(
    name: str, mirror: Mirror, delta: CommitDelta, is_told: Callable[[bytes], bool]
) -> Answer | None:
    """Return how many lines of each folder a commit adds that are told, or None if it has nothing.

    Args:
        name: its repo.
        mirror: the mirror of that.
        delta: the commit.
        is_told: whether a line is; of decisions all are.
    """
    found = _told_lines(mirror, delta, is_told)
    if not delta.touches_rules and not any(found.values()):
        return None
    commit = {"repo": name, "commit": delta.commit, "committed_at": format_ts(delta.committed_at)}
    return {**commit, **found, "rules": delta.touches_rules}


def _new_commits(mirror: Mirror, tips: Tips, before: Tips | None) -> list[str]:
    """The commits that tips reach and earlier ones did not, oldest first."""
    known: set[str] = set()
    if before is not None:
        for tip in (before.cursor, *before.kept):
            known.update(mirror.chain(tip))
    new: dict[str, None] = {}
    for tip in (*sorted(tips.kept), tips.cursor):
        newest_first = takewhile(lambda commit: commit not in known, mirror.chain(tip))
        new |= dict.fromkeys(reversed([*newest_first]))
    return list(new)


def _told_lines(
    mirror: Mirror, delta: CommitDelta, is_told: Callable[[bytes], bool]
) -> dict[str, int]:
    found = dict.fromkeys(map(str, Folder), 0)
    edited = [file.after for file in delta.edited if file.after is not None]
    for file in (*delta.added, *edited):
        folder = file.path.partition("/")[0]
        if folder in found:
            lines = mirror.read_blob(file.blob).splitlines()
            is_decision = folder == Folder.DECISIONS
            found[folder] += sum(is_decision or is_told(line) for line in lines)
    return found
