"""The rule book at a commit of the books.

Which one is in force follows from the books' own history: the last usable one on the chain of first
parents up to the cursor, never one of a history that was replaced.
"""

from aggregator.admission.batch import RuleFiles
from aggregator.mirrors.commit_delta import BILLED, commit_delta
from aggregator.mirrors.mirror import Mirror
from wire_format.rule_book import RULE_PATHS, parse_rule_book
from wire_format.rule_files.loading import RULE_FILE_BYTES_MAX, RuleBookError


def read_rules(mirror: Mirror, commit: str) -> RuleFiles:
    """The rule files at a commit.

    Raises:
        RuleBookError: they are not a usable rule book.
        MirrorError: the commit is not in the mirror.
    """
    files = RuleFiles(commit, *(_rule_file(mirror, commit, path) for path in RULE_PATHS))
    parse_rule_book(*files.contents)
    return files


def rules_below(mirror: Mirror, commit: str) -> RuleFiles:
    """The last usable rule files on the chain of first parents below a commit, or empty ones.

    Raises:
        MirrorError: a commit is not in the mirror.
    """
    parent = mirror.first_parent(commit)
    for below in () if parent is None else mirror.chain(parent):
        if commit_delta(mirror, below, BILLED).touches_rules:
            try:
                return read_rules(mirror, below)
            except RuleBookError:
                continue
    return RuleFiles(commit, None, None)


def _rule_file(mirror: Mirror, commit: str, path: str) -> bytes | None:
    blob = mirror.find_blob(commit, path)
    if blob is None:
        return None
    if (size := mirror.blob_size(blob)) > RULE_FILE_BYTES_MAX:
        raise RuleBookError(path, [f"{size} bytes; at most {RULE_FILE_BYTES_MAX}"])
    return mirror.read_blob(blob)
