"""The rule book in the books' repo: reading it, and checking a file."""

from pathlib import Path
from typing import Final

from gitmeter.support.errors import GitmeterError
from node_pusher.repo.ledger_repo import LedgerRepo
from wire_format.rule_book import (
    DEFAULT_DISCOUNTS,
    DISCOUNTS_PATH,
    RULE_PATHS,
    RuleBook,
    RuleBookFiles,
    parse_rule_book,
    read_rule_files,
    with_origin,
)
from wire_format.rule_files.loading import RULE_FILE_BYTES_MAX, RuleBookError

RULE_FILES: Final = {Path(path).name: path for path in RULE_PATHS}
"""The path of each rule file in the repo, by its name."""


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


def read_rules(repo: LedgerRepo, commit: str | None = None) -> RuleBookFiles:
    """The files at a commit of the books, by default the newest."""
    return RuleBookFiles(*(repo.read_file(path, commit) for path in RULE_PATHS))


def export_rules(repo: LedgerRepo, path: str) -> bytes:
    """A file at the newest commit, with a first line that says which rule book it is from."""
    files = read_rules(repo)
    data = files.at(path)
    if data is None and path == DISCOUNTS_PATH:
        data = DEFAULT_DISCOUNTS.encode()
    return with_origin(data or b"", files.sha256)


def parse_rules(files: RuleBookFiles) -> RuleBook:
    """The rule book of some files.

    Raises:
        RuleFileError: with every fault of each, else with what does not go together.
    """
    if faults := _faults_alone(files):
        raise RuleFileError("the rule book cannot be used", faults)
    return _parse_together(files)


def check_together(files: RuleBookFiles) -> None:
    """Refuse files of which one needs what another does not state; faults of one alone are none.

    Raises:
        RuleFileError: with every fault.
    """
    if not _faults_alone(files):
        _parse_together(files)


def _parse_together(files: RuleBookFiles) -> RuleBook:
    """The rule book of files without a fault of their own; refuses what does not go together."""
    try:
        return parse_rule_book(*files)
    except RuleBookError as error:
        raise RuleFileError("the rule book cannot be used", [str(error)]) from error


def _faults_alone(files: RuleBookFiles) -> list[str]:
    return [
        f"{path}: {fault}"
        for path, data in zip(RULE_PATHS, files, strict=True)
        if data is not None
        for fault in faults_of(path, data)
    ]


def faults_of(path: str, data: bytes) -> list[str]:
    """A sentence for each thing that is wrong with a rule file, whatever the others say."""
    try:
        read_rule_files(RuleBookFiles(None, None).replaced({path: data}))
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
    path = RULE_FILES.get(file.name)
    if path is None:
        fault = f"the name says which file it is, and must be {' or '.join(RULE_FILES)}"
        raise RuleFileError(f"{file} cannot be used", [fault])
    try:
        with file.open("rb") as stream:
            return path, stream.read(RULE_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise RuleFileError(f"{file} cannot be read", [str(error.strerror)]) from error


def usable_rules(files: RuleBookFiles) -> RuleBook:
    """The rules of the files that can be used alone, as if each other one were empty."""
    unusable = [
        path
        for path, data in zip(RULE_PATHS, files, strict=True)
        if data is not None and faults_of(path, data)
    ]
    return read_rule_files(files.replaced(dict.fromkeys(unusable, b"")))
