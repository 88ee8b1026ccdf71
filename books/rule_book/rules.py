"""The rule book in the books' repo: reading it, checking a file, committing a checked file."""

from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from books.rule_book.rule_changes import RuleChanges, build_rules_message, changes
from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import Home
from node_pusher.sending.commit import locked_repo
from node_pusher.sending.repo import LedgerRepo
from wire_format.rule_book import (
    DISCOUNTS_PATH,
    PRICES_PATH,
    RULE_FILE_BYTES_MAX,
    RULE_PATHS,
    RuleBook,
    RuleBookError,
    parse_rule_book,
    rule_book_sha256,
)

_BY_NAME: Final = {Path(path).name: path for path in RULE_PATHS}


class RuleFileError(GitmeterError):
    """A rule file cannot be read or cannot be used.

    Attributes:
        headline: what cannot be done.
        faults: one sentence for each thing that is wrong, with its place in the file.
    """

    def __init__(self, headline: str, faults: list[str], *, hint: str = "") -> None:
        super().__init__(f"{headline}: {'; '.join(faults)}", hint=hint)
        self.headline = headline
        self.faults = faults


class RuleBookFiles(NamedTuple):
    """Both files of a rule book; None for an absent one."""

    prices_toml: bytes | None
    discounts_toml: bytes | None

    def at(self, path: str) -> bytes | None:
        """The file at `path`."""
        return self.prices_toml if path == PRICES_PATH else self.discounts_toml

    def replaced(self, path: str, data: bytes) -> "RuleBookFiles":
        """A copy with another file at `path`."""
        if path == PRICES_PATH:
            return self._replace(prices_toml=data)
        return self._replace(discounts_toml=data)

    @property
    def sha256(self) -> str:
        """The hash that names the rule book."""
        return rule_book_sha256(*self)


class RuleCommit(NamedTuple):
    """A rule file that was committed.

    Attributes:
        commit: its commit.
        path: the path of the file in the repo.
        changes: what it changes in the rule book.
        sha256: the hash that names the new rule book.
    """

    commit: str
    path: str
    changes: RuleChanges
    sha256: str


def read_rules(repo: LedgerRepo) -> RuleBookFiles:
    """Both files at the newest commit of the books."""
    return RuleBookFiles(repo.read_file(PRICES_PATH), repo.read_file(DISCOUNTS_PATH))


def parse_rules(files: RuleBookFiles) -> RuleBook:
    """The rule book of two files.

    Raises:
        RuleFileError: with every fault of both.
    """
    faults = [
        f"{path}: {fault}"
        for path, data in zip(RULE_PATHS, files, strict=True)
        if data is not None
        for fault in faults_of(path, data)
    ]
    if faults:
        raise RuleFileError("the rule book cannot be used", faults)
    return parse_rule_book(*files)


def faults_of(path: str, data: bytes) -> list[str]:
    """A sentence for each thing that is wrong with the content of a rule file."""
    try:
        parse_rule_book(*RuleBookFiles(None, None).replaced(path, data))
    except RuleBookError as error:
        return error.faults
    return []


def check_file(path: str, data: bytes, name: str = "", hint: str = "") -> None:
    """Refuse the content of a rule file that cannot be used.

    Args:
        path: its path in the repo, which says what it must contain.
        data: its content.
        name: its name in the error; its path in the repo if empty.
        hint: what the person can do next.

    Raises:
        RuleFileError: with everything that is wrong with it.
    """
    if faults := faults_of(path, data):
        raise RuleFileError(f"{name or path} cannot be used", faults, hint=hint)


def read_rule_file(file: Path) -> tuple[str, bytes]:
    """A rule file from anywhere, with its path in the repo, which its name determines.

    Raises:
        RuleFileError: it has another name, or cannot be read.
    """
    path = _BY_NAME.get(file.name)
    if path is None:
        fault = f"the name says which file it is, and must be {' or '.join(_BY_NAME)}"
        raise RuleFileError(f"{file} cannot be used", [fault])
    try:
        with file.open("rb") as stream:
            return path, stream.read(RULE_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise RuleFileError(f"{file} cannot be read", [str(error.strerror)]) from error


def set_rule_file(home: Home, path: str, data: bytes, now: datetime) -> RuleCommit | None:
    """Check a rule file and commit it; None if the repo has the same bytes already.

    Raises:
        RuleFileError: it cannot be used.
        BusyError: another process committed or pushed for too long.
    """
    with locked_repo(home) as repo:
        return commit_rule_file(repo, home, path, data, now)


def commit_rule_file(
    repo: LedgerRepo, home: Home, path: str, data: bytes, now: datetime
) -> RuleCommit | None:
    """As `set_rule_file`; the caller holds the lock of the repo."""
    planned = plan_rule_file(repo, path, data)
    if planned is None:
        return None
    message = build_rules_message(home.node, path, planned.changes, planned.sha256)
    return planned._replace(commit=repo.commit({path: data}, message, now))


def plan_rule_file(repo: LedgerRepo, path: str, data: bytes) -> RuleCommit | None:
    """What `commit_rule_file` would do, with an empty `commit`; changes nothing."""
    check_file(path, data, hint="nothing was changed; fix these and try again")
    files = read_rules(repo)
    if files.at(path) == data:
        return None
    after = files.replaced(path, data)
    found = changes(path, _book_of(files, path), _book_of(after, path))
    return RuleCommit("", path, found, after.sha256)


def _book_of(files: RuleBookFiles, path: str) -> RuleBook:
    """The rules of one file alone; none if the file in the repo cannot be used."""
    data = files.at(path)
    if data is None or faults_of(path, data):
        return parse_rule_book(None, None if data is None else b"")
    return parse_rule_book(*RuleBookFiles(None, None).replaced(path, data))
