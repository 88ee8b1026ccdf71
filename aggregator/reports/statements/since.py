"""What changed since an earlier statement of the same account and period, and by which commits.

A statement is made from commits. What it says differently later comes from those that were billed
since, and only from these: lines of the account, decisions, and rule books.
"""

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from typing import Any, Final, NamedTuple

from aggregator.mirrors.ancestry import reached
from aggregator.mirrors.commit_delta import BILLED, CommitDelta, commit_delta
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.mirrors import Mirrors
from aggregator.reports.basis import Answer
from aggregator.store.store import LedgerStore
from cursors.tips import Tips
from gitmeter.support.errors import GitmeterError
from wire_format.instants import format_ts
from wire_format.lines import Folder

_USER: Final = re.compile(rb'"user":"([^"]*)"')
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
    store: LedgerStore, mirrors: Mirrors, found: Answer, before: Mapping[str, Tips]
) -> Iterator[Answer]:
    """Yield the commits since earlier ones that have something about an account, oldest first.

    Args:
        store: the ledger, in a view.
        mirrors: the mirrors.
        found: the statement of the account.
        before: the earlier commits, by repo.

    Returns:
        for each commit the number of `usage`, `payments` and `accounts` lines that name the
        account, of `decisions`, which may be about anybody, and whether it changes the `rules`.

    Raises:
        MirrorError: a mirror cannot be read.
    """
    nodes = {each["node"] for each in found["nodes"]}
    repos = {
        name
        for name, each in store.repos.judged_by().items()
        if each.role != "usage" or each.node in nodes
    }
    for commit in new_commits(store, mirrors, before, repos):
        answer = commit.answer(
            {folder: own[found["user"]] for folder, own in commit.naming.items()}
        )
        if answer is not None:
            yield answer


class NewCommit(NamedTuple):
    """A commit that was billed since earlier ones.

    Attributes:
        repo: the name of its repo.
        delta: what it changes.
        naming: by folder how many lines it adds that name each user; of those that name nobody
            under an empty name.
    """

    repo: str
    delta: CommitDelta
    naming: Mapping[str, Counter[str]]

    def answer(self, told: Mapping[str, int]) -> Answer | None:
        """Return the commit, or None if it has nothing to be told.

        Args:
            told: how many lines of each folder are; of decisions all are, whomever they are about.
        """
        numbers = {**told, Folder.DECISIONS: self.naming[Folder.DECISIONS].total()}
        if not self.delta.touches_rules and not any(numbers.values()):
            return None
        return {
            "repo": self.repo,
            "commit": self.delta.commit,
            "committed_at": format_ts(self.delta.committed_at),
            **numbers,
            "rules": self.delta.touches_rules,
        }


def new_commits(
    store: LedgerStore, mirrors: Mirrors, before: Mapping[str, Tips], repos: Container[str]
) -> Iterator[NewCommit]:
    """The commits of some repos that were billed since earlier ones, by repo, oldest first.

    Args:
        store: the ledger, in a view.
        mirrors: the mirrors.
        before: the earlier commits, by repo.
        repos: the names of the repos.

    Raises:
        MirrorError: a mirror cannot be read.
    """
    for name, tips in sorted(store.cursors.tips().items()):
        if name not in repos:
            continue
        mirror, was = mirrors.open_named(name), before.get(name)
        known = set() if was is None else {*reached(mirror, (was.cursor, *was.kept))}
        for commit in reached(mirror, (*sorted(tips.kept), tips.cursor), known):
            delta = commit_delta(mirror, commit, BILLED)
            yield NewCommit(name, delta, _naming(mirror, delta))


def _naming(mirror: Mirror, delta: CommitDelta) -> Mapping[str, Counter[str]]:
    found = {str(folder): Counter[str]() for folder in Folder}
    edited = [file.after for file in delta.edited if file.after is not None]
    for file in (*delta.added, *edited):
        folder = file.path.partition("/")[0]
        if folder in found:
            found[folder].update(map(_user, mirror.read_blob(file.blob).splitlines()))
    return found


def _user(line: bytes) -> str:
    named = _USER.search(line)
    return "" if named is None else named[1].decode(errors="replace")
