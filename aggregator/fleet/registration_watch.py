"""Registrations that change while the daemon runs are taken over without a restart."""

from datetime import datetime

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
    """Looks at the folder of registrations before each pass.

    Args:
        state: its configuration is replaced when something changed.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._seen: frozenset[tuple[str, int, int]] | None = None  # changes while it started count

    def refresh(self, store: LedgerStore, now: datetime) -> set[str]:
        """Take over what changed; what cannot be used is an incident, and what was stays in force.

        Args:
            store: the ledger, open for writing.
            now: the time of an incident.

        Returns:
            The names of repos that are configured otherwise now: nothing learnt of them holds.
        """
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


def _as_judged(store: LedgerStore, config: Config) -> tuple[Config, dict[str, str]]:
    """A configuration under which what is billed need not be judged anew, and what was kept back.

    What a repo may bill decides which of its earlier lines count, so a change of that waits for a
    restart; its keys, its address and all the others do not.
    """
    judged = store.repos.judged_by()
    repos: list[RepoConfig] = []
    kept: dict[str, str] = {}
    for repo in config.repo:
        before = judged.get(repo.name, repo.identity.judged_by)
        if before == repo.identity.judged_by:
            repos.append(repo)
            continue
        kept[repo.node] = f"what {repo.name} may bill changed: restart the daemon, which then"
        kept[repo.node] += " judges all records again"
        if (before.node, before.role) == (repo.node, repo.role):
            repos.append(repo.model_copy(update={"allow": before.allow}))
    return config.model_copy(update={"repo": tuple(repos)}), kept
