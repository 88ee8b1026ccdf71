"""Whether the head of a repo may be billed: signed by a key that the operator allows, now.

One good signature on the head covers the history below it, because each commit names its parents
and its tree. What was accepted once is never asked again: keys come and go, the ledger stays.
"""

from datetime import datetime

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


class Signers:
    """The keys of one pass over all repos.

    Args:
        config: names the file of the operator's allowed signers, and has the registered keys.
    """

    def __init__(self, config: Config) -> None:
        file = config.allowed_signers_file
        self._file: AllowedSigners | AllowedSignersError
        try:
            self._file = AllowedSigners() if file is None else load_allowed_signers(file)
        except AllowedSignersError as error:
            self._file = error

    def _allowed(self, repo: RepoConfig) -> AllowedSigners | AllowedSignersError:
        """Whose signatures count for a repo: its registered keys, and those of the file."""
        if isinstance(self._file, AllowedSignersError) or not repo.signers:
            return self._file
        registered = "\n".join(repo.signers)
        return parse_allowed_signers(registered, f"registration of {repo.node}") + self._file

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
        allowed = self._allowed(repo)
        if isinstance(allowed, AllowedSignersError):
            return IncidentKind.NO_SIGNERS, f"cannot be checked: {allowed}"
        verdict = judge_commit(mirror.raw_commit(head), repo.node, allowed, now)
        if verdict.verified:
            return None
        return IncidentKind.BAD_SIGNATURE, f"may not be billed: {verdict.sentence}"

    def keys_of(self, repo: RepoConfig) -> int:
        """How many lines of the allowed signers are about a repo's node.

        Raises:
            AllowedSignersError: they cannot be used.
        """
        allowed = self._allowed(repo)
        if isinstance(allowed, AllowedSignersError):
            raise allowed
        entries = allowed.entries
        return sum(matches_list(repo.node, e.principals) and e.signs_commits() for e in entries)
