"""Which repos there are: those of the configuration, and those that only a mirror remembers."""

from aggregator.config.repos import KnownRepo
from aggregator.config.settings import Config
from aggregator.mirrors.archives import ArchivedRepos
from aggregator.mirrors.mirror import Mirror, MirrorError


class KnownRepos:
    """Configured repos, and mirrors and archives of repos that are configured no longer.

    Args:
        config: the repos that are configured, and where mirrors are.
        archives: the repos that are read no more.
    """

    def __init__(self, config: Config, archives: ArchivedRepos) -> None:
        self._config = config
        self._archives = archives

    def all(self) -> list[KnownRepo]:
        """Every repo of which it is known which node's it is.

        Books come first, and of those the configured ones last: the rule book in force is theirs.
        """
        return self._known_and_unreadable()[0]

    def all_or_refuse(self) -> list[KnownRepo]:
        """As `all`, when nothing on disk is of an unknown node.

        Raises:
            MirrorError: a mirror or an archive does not say whose it is; a ledger made without it
                might lack what its users consumed.
        """
        known, unreadable = self._known_and_unreadable()
        if unreadable:
            raise MirrorError(
                f"nothing says whose they are: {', '.join(sorted(unreadable))}",
                hint=f"restore them below {self._config.state} from a backup, or move them away"
                " if nothing of them was ever billed",
            )
        return known

    def named(self, name: str) -> KnownRepo:
        """The repo with this name.

        Raises:
            MirrorError: it is configured no longer, and nothing on disk remembers it.
        """
        configured = (repo.identity for repo in self._config.repo if repo.name == name)
        repo = next(configured, None) or next(
            (repo for repo in self.all() if repo.name == name), None
        )
        if repo is None:
            raise MirrorError(
                f"{name} is configured no longer and its mirror is gone",
                hint=f"restore {self._config.mirror_path(name)} from a backup",
            )
        return repo

    def _known_and_unreadable(self) -> tuple[list[KnownRepo], list[str]]:
        """The known repos, and the names of those of which nothing says any more whose they are."""
        configured = {repo.name for repo in self._config.repo}
        known = {repo.name: repo.identity for repo in self._config.repo}
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
        unreadable += [name for name in self._archives.nameless() if name not in known]
        found = sorted(
            known.values(),
            key=lambda repo: (repo.role != "books", repo.name in configured, repo.name),
        )
        return found, unreadable

    def _identity(self, name: str) -> KnownRepo | None:
        """What the mirror or the archive of a repo says of it; None of a mirror just begun."""
        path = self._config.mirror_path(name)
        return Mirror.known_repo(path) if path.exists() else self._archives.read(name).known_repo
