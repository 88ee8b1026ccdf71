"""Earlier rule books, as the commits of the books have them, and what a file was made from."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain, pairwise
from typing import Final, NamedTuple

from books.rule_book.rule_changes import rules_by_name
from books.rule_book.rules import RuleFileError, faults_of, parse_rules, read_rules, usable_rules
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.commit_message import stated_trailer
from wire_format.rule_book import RULE_PATHS, RuleBook, RuleBookFiles, parse_rule_book
from wire_format.rule_files.prices_file import Price

_FOLDER: Final = RULE_PATHS[0].partition("/")[0]
_NAMED_MAX: Final = 5
_TAKEN_BACK_WITHIN: Final = timedelta(minutes=10)


class RuleVersion(NamedTuple):
    """A commit that changed the rule book.

    Attributes:
        commit, parent: it and the one before it; None at the beginning of the history.
        committed_at: its time.
        message: all of its message.
    """

    commit: str
    parent: str | None
    committed_at: datetime
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    @property
    def by(self) -> str | None:
        """Who changed it; None where the message does not say."""
        return stated_trailer(self.message, "By")

    @property
    def reason(self) -> str | None:
        """Why; None where the message does not say."""
        return stated_trailer(self.message, "Reason")


def rule_versions(repo: LedgerRepo) -> Iterator[RuleVersion]:
    """The commits that changed the rule book, newest first."""
    for info, below in pairwise(chain(repo.history(), [None])):
        if info is None:
            return
        parent = None if below is None else below.commit
        before = None if parent is None else repo.folder_id(_FOLDER, parent)
        if repo.folder_id(_FOLDER, info.commit) != before:
            when = datetime.fromtimestamp(info.committed_at_s, UTC)
            yield RuleVersion(info.commit, parent, when, info.message)


def rule_book_name(repo: LedgerRepo, version: RuleVersion) -> str:
    """The hash that names the rule book of a version; read from its message where it says so."""
    stated = stated_trailer(version.message, "Rule-Book")
    return stated or read_rules(repo, version.commit).sha256


def rule_book_in_force(repo: LedgerRepo) -> RuleBook:
    """The last usable rule book of the history here, which is what usage is charged by."""
    for commit in chain([None], (version.commit for version in rule_versions(repo))):
        with suppress(RuleFileError):
            return parse_rules(read_rules(repo, commit))
    return parse_rule_book(None, None)


def own_newest_prices(repo: LedgerRepo, by: str, now: datetime) -> frozenset[Price]:
    """What a person may still take back: the prices that their own newest change added.

    That is so for ten minutes, as long as it is the newest change of all. Nobody relies on such a
    price yet, and usage that it leaves without one is told.

    Args:
        repo: the books.
        by: the person.
        now: the time.
    """
    version = next(rule_versions(repo), None)
    if version is None or version.parent is None or version.by != by:
        return frozenset()
    if not timedelta() <= now - version.committed_at <= _TAKEN_BACK_WITHIN:
        return frozenset()
    after, before = (
        usable_rules(read_rules(repo, commit)) for commit in (version.commit, version.parent)
    )
    return frozenset(after.prices) - frozenset(before.prices)


def made_from_older(
    repo: LedgerRepo, files: RuleBookFiles, path: str, data: bytes, base: str | None
) -> str:
    """Why a rule file was made from an older rule book than the one here; empty if it was not.

    A file that names its rule book must have every rule that changed there since. One that names
    none must have something of the newest change, or it would undo it.

    Args:
        repo: the books.
        files: the rule book at the newest commit.
        path: the path of the file in the repo.
        data: its new content.
        base: the hash of the rule book that it says it was made from; None if it says none.
    """
    proposed, now = _rules(path, data), _rules(path, files.at(path))
    if base is None:
        return _undone(repo, path, proposed)
    if base == files.sha256:
        return ""
    for version in rule_versions(repo):
        if rule_book_name(repo, version) == base:
            then = _rules(path, read_rules(repo, version.commit).at(path))
            lost = [name for name in _differing(then, now) if proposed.get(name) != now.get(name)]
            since = f"the file was made from the older rule book {base[:12]}"
            return f"{since}, and lacks what changed since: {_listed(lost)}" if lost else ""
    return f"the file was made from rule book {base[:12]}, which is not in the history here"


def _undone(repo: LedgerRepo, path: str, proposed: Mapping[str, str]) -> str:
    for version in rule_versions(repo):
        data = read_rules(repo, version.commit).at(path)
        if data is not None and faults_of(path, data):
            continue  # it was never in force, and undoing it is welcome
        after = _rules(path, data)
        before: Mapping[str, str] = {}
        if version.parent is not None:
            before = _rules(path, read_rules(repo, version.parent).at(path))
        if changed := _differing(before, after):
            if any(proposed.get(name) != before.get(name) for name in changed):
                return ""
            return (
                f"the file is like one from before commit {version.commit[:12]}"
                f"{f' by {version.by}' if version.by else ''}, the newest change of {path}, and"
                f" would undo it: {_listed(changed)}"
            )
    return ""


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED_MAX
    return "; ".join(names[:_NAMED_MAX]) + (f"; and {more} more" if more > 0 else "")


def _rules(path: str, data: bytes | None) -> Mapping[str, str]:
    """The rules of one file alone."""
    alone = RuleBookFiles(*(b"" for _ in RULE_PATHS))
    return rules_by_name(usable_rules(alone if data is None else alone.replaced({path: data})))
