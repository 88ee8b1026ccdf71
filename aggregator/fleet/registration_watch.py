"""Takes changed registrations over while the daemon runs, without a restart."""

from datetime import datetime
from pathlib import Path

import structlog

from aggregator.config.loading import with_registered
from aggregator.config.nodes_dir import fingerprint
from aggregator.config.repos import RepoConfig
from aggregator.config.settings import Config
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.state import State
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore

_log = structlog.get_logger()


class RegistrationWatch:
    """Checks the folder of registrations before each pass.

    Args:
        state: the state directory; its configuration is replaced when something has changed.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._changed_ns: int | None = None
        self._seen: frozenset[tuple[str, int, int]] | None = (
            None  # None: changes made during the start count too
        )

    def has_news(self) -> bool:
        """Whether a registration was put in place or removed since the last `refresh`.

        One look at the folder; a file that was edited in place is found by `refresh` alone.
        """
        return _changed_ns(self._state.config.nodes_dir) != self._changed_ns

    def refresh(self, store: LedgerStore, now: datetime) -> set[str]:
        """Take over what has changed; an unusable file is an incident and changes nothing.

        Args:
            store: the ledger, open for writing.
            now: the time of an incident.

        Returns:
            The names of repos with a changed configuration: what is remembered of them is obsolete.
        """
        self._changed_ns = _changed_ns(self._state.config.nodes_dir)
        seen = fingerprint(self._state.config.nodes_dir)
        if seen == self._seen:
            return set()
        self._seen = seen
        before = {repo.name: repo for repo in self._state.config.repo}
        config, kept = _as_judged(store, with_registered(self._state.config))
        self._state.config = config
        _log.info("registrations read", repos=len(config.repo))
        about: dict[About, str] = {}
        for node, detail in (*config.registration_faults, *kept.items()):
            about[None, f"nodes.d/{node}"] = detail
            _log.warning("bad registration", node=node, detail=detail)
        with store.transaction():
            store.incidents.file_all(IncidentKind.BAD_REGISTRATION, about, now)
        return {repo.name for repo in config.repo if before.get(repo.name) != repo}


def _changed_ns(folder: Path | None) -> int | None:
    try:
        return None if folder is None else folder.stat().st_mtime_ns
    except OSError:
        return None


def _as_judged(store: LedgerStore, config: Config) -> tuple[Config, dict[str, str]]:
    """Take over all changes except those that would judge billed lines again.

    What a repo may bill decides which of its earlier lines count, so a change of `allow` waits for
    a reload; changes of its keys, its address and all else do not.

    Returns:
        The configuration to use, and a sentence for each node with a change that must wait.
    """
    judged = store.repos.judged_by()
    repos: list[RepoConfig] = []
    kept: dict[str, str] = {}
    for repo in config.repo:
        before = judged.get(repo.name, repo.identity.judged_by)
        if before == repo.identity.judged_by:
            repos.append(repo)
            continue
        kept[repo.node] = f"what {repo.name} may bill changed: reload the daemon, which then"
        kept[repo.node] += " judges all records again"
        if (before.node, before.role) == (repo.node, repo.role):
            repos.append(repo.model_copy(update={"allow": before.allow}))
    return config.model_copy(update={"repo": tuple(repos)}), kept
