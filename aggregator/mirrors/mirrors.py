"""The mirrors of all known repos, and the archives of those that are no longer read.

Each mirror has the node and role of its repo in its git configuration, so that the ledger can be
rebuilt from mirrors and archives alone.
"""

from contextlib import suppress
from pathlib import Path

from aggregator.config.known_repo import KnownRepo
from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.known_repos import KnownRepos
from aggregator.mirrors.mirror import Mirror
from cursors.tips import Tips

_Stamp = tuple[int, int, int] | None
"""What tells one state of a file from another."""


class Mirrors:
    """Opens the mirror of any known repo, archived or not.

    Args:
        config: has the paths of the mirrors.
        repos: the known repos.
        archives: the archived repos.
    """

    def __init__(self, config: Config, repos: KnownRepos, archives: ArchivedRepos) -> None:
        self._config = config
        self._repos = repos
        self._archives = archives
        self._settled: dict[Path, tuple[KnownRepo, _Stamp]] = {}

    def open(self, repo: KnownRepo) -> Mirror:
        """Open or create the mirror of a repo; the caller drops it after the pass.

        The mirror of an archived repo is unpacked, and removed once nothing refers to it.

        Raises:
            MirrorError: the mirror cannot be opened, or the archive is damaged or missing.
        """
        if self.is_archived(repo.name):
            return self._archives.open(repo)
        path = self._config.mirror_path(repo.name)
        is_settled = self._settled.get(path) == (repo, _stamp(path / "config"))
        mirror = Mirror(path, repo, is_settled=is_settled)
        if not is_settled:
            self._settled[path] = repo, _stamp(path / "config")
        return mirror

    def open_named(self, name: str) -> Mirror:
        """Open the mirror of a known repo by its name.

        Raises:
            MirrorError: no repo of that name is known, or its mirror cannot be opened.
        """
        return self.open(self._repos.named(name))

    def is_archived(self, name: str) -> bool:
        """Whether a repo has an archive in place of a mirror."""
        return self._archives.has(name) and not self._config.mirror_path(name).exists()

    def bring_back(self, repo: KnownRepo) -> None:
        """Replace the archive of a repo, if it has one, by a mirror.

        The caller holds the state's lock.

        Raises:
            MirrorError: the archive is damaged or missing.
        """
        if self._archives.has(repo.name):
            path = self._config.mirror_path(repo.name)
            self._archives.bring_back(repo, path)

    def remembered(self, repo: KnownRepo) -> tuple[str | None, frozenset[str]]:
        """The last billed commit (or None) and the kept tips that a mirror or an archive has."""
        if self.is_archived(repo.name):
            saved = self._archives.read(repo.name)
            return saved.cursor, frozenset(saved.kept)
        if not self._config.mirror_path(repo.name).exists():
            return None, frozenset()
        mirror = self.open(repo)
        return mirror.applied, mirror.kept

    def accepted_tips(self) -> dict[str, Tips]:
        """The accepted tips of each repo, by its name, as mirrors and archives have them.

        A lost ledger is rebuilt from these.

        Raises:
            MirrorError: a mirror or an archive does not name its node; a ledger made without it
                might lack usage.
        """
        tips: dict[str, Tips] = {}
        for repo in self._repos.all_or_refuse():
            applied, kept = self.remembered(repo)
            if applied is not None:
                tips[repo.name] = Tips(applied, kept - {applied})
        return tips


def _stamp(file: Path) -> _Stamp:
    with suppress(OSError):
        stat = file.stat()
        return stat.st_ino, stat.st_mtime_ns, stat.st_size
    return None
