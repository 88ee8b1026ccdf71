"""Whether the head of a repo may be billed: signed by a key that the operator allows, now.

One good signature on the head covers the history below it, because each commit names its parents
and its tree. What was accepted once is never asked again: keys come and go, the ledger stays.
"""

from datetime import datetime
from pathlib import Path

from aggregator.config import RepoConfig
from aggregator.incidents import IncidentKind
from aggregator.mirror import Mirror
from signing.allowed_signers import AllowedSigners, AllowedSignersError, load_allowed_signers
from signing.patterns import matches_list
from signing.verdict import judge_commit


class Signers:
    """The keys of one pass over all repos.

    Args:
        file: the operator's allowed signers; None without any.
    """

    def __init__(self, file: Path | None) -> None:
        self._allowed: AllowedSigners | AllowedSignersError
        try:
            self._allowed = AllowedSigners() if file is None else load_allowed_signers(file)
        except AllowedSignersError as error:
            self._allowed = error

    def judge(
        self, mirror: Mirror, repo: RepoConfig, head: str, now: datetime
    ) -> tuple[IncidentKind, str] | None:
        """Why a head may not be billed, as the end of a sentence about it; None when it may.

        Args:
            mirror: where the head lies.
            repo: whose head it is: one of its node's keys must have signed it.
            head: the commit.
            now: the time by our own clock; the commit's date is its author's.
        """
        if repo.allow_unsigned:
            return None
        if isinstance(self._allowed, AllowedSignersError):
            return IncidentKind.NO_SIGNERS, f"cannot be checked: {self._allowed}"
        verdict = judge_commit(mirror.raw_commit(head), repo.node, self._allowed, now)
        if verdict.verified:
            return None
        return IncidentKind.BAD_SIGNATURE, f"may not be billed: {verdict.sentence}"

    def keys_of(self, repo: RepoConfig) -> int:
        """How many lines of the allowed signers are about a repo's node.

        Raises:
            AllowedSignersError: they cannot be used.
        """
        if isinstance(self._allowed, AllowedSignersError):
            raise self._allowed
        entries = self._allowed.entries
        return sum(matches_list(repo.node, e.principals) and e.signs_commits() for e in entries)
