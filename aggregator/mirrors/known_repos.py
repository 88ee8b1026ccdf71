"""Which repos there are: those configured, and those that have a mirror or an archive."""

from aggregator.config.known_repo import KnownRepo
from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.mirror import Mirror, MirrorError


class KnownRepos:
    """Configured repos, and repos no longer configured that have a mirror or an archive.

    Args:
        config: has the configured repos and the paths of the mirrors.
        archives: the archived repos.
    """

    def __init__(self, config: Config, archives: ArchivedRepos) -> None:
        self._config = config
        self._archives = archives
        self._configured = {repo.name: repo.identity for repo in config.repo}

    def all(self) -> list[KnownRepo]:
        """Every repo of which the node is known.

        Books come first, and among those the configured ones last, because the rule book in force
        is theirs.
        """
        return self._known_and_unreadable()[0]

    def all_or_refuse(self) -> list[KnownRepo]:
        """As `all`, but refuse where the node of a mirror or of an archive is unknown.

        Raises:
            MirrorError: a mirror or an archive does not name its node; a ledger made without it
                might lack usage.
        """
        known, unreadable = self._known_and_unreadable()
        if unreadable:
            raise MirrorError(
                f"the node of these repos is unknown: {', '.join(sorted(unreadable))}",
                hint=f"restore them below {self._config.state} from a backup, or move them away"
                " if nothing of them was ever billed",
            )
        return known

    def named(self, name: str) -> KnownRepo:
        """The repo with this name.

        Raises:
            MirrorError: it is no longer configured, and no mirror or archive names its node.
        """
        repo = self._configured.get(name)
        if repo is None and (self._config.mirror_path(name).exists() or self._archives.has(name)):
            repo = self._identity(name)
        if repo is None:
            raise MirrorError(
                f"{name} is no longer configured and its mirror is gone",
                hint=f"restore {self._config.mirror_path(name)} from a backup",
            )
        return repo

    def _known_and_unreadable(self) -> tuple[list[KnownRepo], list[str]]:
        """The known repos, and the names of those on disk whose node is unknown."""
        configured = self._configured.keys()
        known = dict(self._configured)
        unreadable: list[str] = []
        mirrors = {file.stem for file in self._config.mirrors_path.glob("*.git")}
        for name in (mirrors | set(self._archives.names())) - configured:
            try:
                identity = self._identity(name)
            except MirrorError:
                unreadable.append(name)
                continue
            if identity is not None:
                known[name] = identity
        unreadable += [name for name in self._archives.undescribed() if name not in known]
        found = sorted(
            known.values(),
            key=lambda repo: (repo.role != "books", repo.name in configured, repo.name),
        )
        return found, unreadable

    def _identity(self, name: str) -> KnownRepo | None:
        """The repo as its mirror or archive describes it; None where the mirror names no node."""
        path = self._config.mirror_path(name)
        return Mirror.known_repo(path) if path.exists() else self._archives.read(name).known_repo
