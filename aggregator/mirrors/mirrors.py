"""The mirrors of all known repos, and the archives of those that are read no more.

They are evidence: each knows in its own git configuration whose records it carries, so that the
ledger can be made again from them alone.
"""

from aggregator.config.repos import KnownRepo
from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.known_repos import KnownRepos
from aggregator.mirrors.mirror import Mirror
from cursors.tips import Tips


class Mirrors:
    """Opens mirrors, wherever they are.

    Args:
        config: where they are.
        repos: the known repos.
        archives: the repos that are read no more.
    """

    def __init__(self, config: Config, repos: KnownRepos, archives: ArchivedRepos) -> None:
        self._config = config
        self._repos = repos
        self._archives = archives

    def open(self, repo: KnownRepo) -> Mirror:
        """Open (or make) a mirror; the caller drops it after the pass.

        That of an archived repo is unpacked for as long as anybody uses it.
        """
        if self.is_archived(repo.name):
            return self._archives.open(repo)
        return Mirror(self._config.mirror_path(repo.name), repo)

    def open_named(self, name: str) -> Mirror:
        """Open the mirror of a known repo by its name.

        Raises:
            MirrorError: no repo of that name is known.
        """
        return self.open(self._repos.named(name))

    def is_archived(self, name: str) -> bool:
        """Whether a repo has an archive in place of a mirror."""
        return self._archives.has(name) and not self._config.mirror_path(name).exists()

    def bring_back(self, repo: KnownRepo) -> None:
        """Put the mirror of a repo that is archived in its place again; the caller has the lock.

        Raises:
            MirrorError: the archive is damaged or lost.
        """
        if self._archives.has(repo.name):
            path = self._config.mirror_path(repo.name)
            self._archives.bring_back(repo, path)

    def remembered(self, repo: KnownRepo) -> tuple[str | None, frozenset[str]]:
        """What a repo's mirror or archive has as billed: the last commit, and the kept tips."""
        if self.is_archived(repo.name):
            saved = self._archives.read(repo.name)
            return saved.cursor, frozenset(saved.kept)
        if not self._config.mirror_path(repo.name).exists():
            return None, frozenset()
        mirror = self.open(repo)
        return mirror.applied, mirror.kept

    def accepted_tips(self) -> dict[str, Tips]:
        """What each mirror remembers as billed: the tips a lost ledger is made from.

        Raises:
            MirrorError: a mirror or an archive does not say whose it is; a ledger made without it
                might lack what its users consumed.
        """
        tips: dict[str, Tips] = {}
        for repo in self._repos.all_or_refuse():
            applied, kept = self.remembered(repo)
            if applied is not None:
                tips[repo.name] = Tips(applied, kept - {applied})
        return tips
