"""Whether the head of a repo may be billed: signed by a key that the operator allows now.

One good signature on the head covers the history below it, because each commit names its parents
and its tree. A commit that was accepted is never checked again, so keys can expire or be removed
without affecting the ledger.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.mirror import Mirror
from gitmeter.signing.allowed_signers import (
    AllowedSigners,
    AllowedSignersError,
    load_allowed_signers,
    parse_allowed_signers,
)
from gitmeter.signing.patterns import matches_list
from gitmeter.signing.verdict import judge_commit
from gitmeter.support.errors import with_hint


class Signers:
    """The keys that may sign, read once and for as long as they are current.

    Args:
        config: the configuration, which names the operator's file of allowed signers.
    """

    def __init__(self, config: Config) -> None:
        file = config.allowed_signers_file
        self._read_from = _seen(file)
        self._file: AllowedSigners | AllowedSignersError
        self._registered: dict[tuple[str, tuple[str, ...]], AllowedSigners] = {}
        try:
            self._file = load_allowed_signers(file)
        except AllowedSignersError as error:
            self._file = error

    def are_current(self, config: Config) -> bool:
        """Whether the file of allowed signers is the one that was read, and was not changed."""
        return _seen(config.allowed_signers_file) == self._read_from

    def _allowed(self, repo: RepoConfig) -> AllowedSigners | AllowedSignersError:
        """The keys that count for a repo: its registered ones and those of the operator's file."""
        if isinstance(self._file, AllowedSignersError) or not repo.signers:
            return self._file
        if (repo.node, repo.signers) not in self._registered:
            lines, named = "\n".join(repo.signers), f"registration of {repo.node}"
            self._registered[repo.node, repo.signers] = parse_allowed_signers(lines, named)
        return self._registered[repo.node, repo.signers] + self._file

    def judge(
        self, mirror: Mirror, repo: RepoConfig, head: str, now: datetime
    ) -> tuple[IncidentKind, str] | None:
        """Judge the signature of a head by the keys of the repo's node.

        Args:
            mirror: the mirror that contains the head.
            repo: the repo of the head.
            head: the commit.
            now: the time by our own clock; the commit's date is only what its author claims.

        Returns:
            None if the head may be billed; otherwise the incident, and why, as the predicate of
            a sentence about the commit.
        """
        if repo.allow_unsigned:
            return None
        allowed = self._allowed(repo)
        if isinstance(allowed, AllowedSignersError):
            return IncidentKind.NO_SIGNERS, f"cannot be checked: {with_hint(allowed)}"
        verdict = judge_commit(mirror.raw_commit(head), repo.node, allowed, now)
        if verdict.verified:
            return None
        return IncidentKind.BAD_SIGNATURE, f"may not be billed: {verdict.sentence}"

    def keys_of(self, repo: RepoConfig) -> int:
        """How many of the allowed signers' lines let a repo's node sign commits.

        Raises:
            AllowedSignersError: the allowed signers cannot be used.
        """
        allowed = self._allowed(repo)
        if isinstance(allowed, AllowedSignersError):
            raise allowed
        entries = allowed.entries
        return sum(matches_list(repo.node, e.principals) and e.signs_commits() for e in entries)


def _seen(file: Path | None) -> tuple[Path | None, tuple[int, int, int]]:
    """A file, with what tells that it was changed; zeros where it cannot be looked at."""
    with suppress(OSError):
        if file is not None:
            stat = file.stat()
            return file, (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return file, (0, 0, 0)
