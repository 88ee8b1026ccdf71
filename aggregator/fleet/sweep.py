"""Which repos are due to be probed, by what the forge lists and when each was probed last.

One request for fifty repos says which of them have changed, so a pass in which nothing is new costs
only the listing. The listing is a hint: every repo is probed at least once in
`forge.probe_every_s`, one that needs attention in every pass, and all of them after a start and
after the forge or a repo of it was out of reach: a forge that was killed does not list what it had
just taken.
"""

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from aggregator.config.repos import RepoConfig
from aggregator.config.sections import ForgeConfig
from aggregator.fleet.listing import Findings, judge_listing
from aggregator.forge import open_forge
from aggregator.forge.interface import BadAnswerError, ForgeError, Listing
from aggregator.incidents.kinds import IncidentKind
from aggregator.mirrors.state import State
from aggregator.pulling.repo_pass import RepoReport
from aggregator.store.incident_rows import About
from aggregator.store.store import LedgerStore
from gitmeter.support.background import Background
from gitmeter.support.backoff import Backoff, is_worth_a_log
from gitmeter.support.errors import GitmeterError, with_hint

_EARLIEST: Final = 0.5
"""Each next probe is due after a random part of `probe_every_s`, at least this: so they spread."""

_WAIT_S: Final = 1.0
_NAMED: Final = 10
_FORGE: Final = "[forge]"
_KINDS: Final = (
    *(IncidentKind.LISTING_FAILED, IncidentKind.LISTING_SHRANK, IncidentKind.PENDING),
    *(IncidentKind.VANISHED, IncidentKind.RENAMED, IncidentKind.RECREATED, IncidentKind.PUBLIC),
    *(IncidentKind.DRIFT, IncidentKind.FORGE_UNCHECKED, IncidentKind.NO_WEBHOOKS),
)
_LISTED: Final = "forge_listed"
"""The fact in the ledger that keeps what the last believed listing had, across restarts; a rebuilt
ledger believes the first one."""

_log = structlog.get_logger()


@dataclass(frozen=True)
class _Checked:
    """The last check of a repo.

    Attributes:
        changed_at: the change time listed before it; None if that may not cover every change.
        is_in_order: whether nothing is left to bill or to try again.
        probe_at: when the repo is probed again, whatever the listing says.
    """

    changed_at: datetime | None
    is_in_order: bool
    probe_at: datetime


class Sweep:
    """What a daemon remembers from one pass over the repos to the next.

    Args:
        state: the state directory, with the configuration.
        clock: returns the present time in UTC.
        interrupted: returns whether to stop waiting for the forge.

    Attributes:
        findings: what the last believed listing says; None before the first.
        is_failing: whether the last attempt got no list.
        is_back: whether the last attempt got a list, and the one before did not.
        is_current: whether repos that are not due are known to have nothing new.
    """

    def __init__(
        self,
        state: State,
        clock: Callable[[], datetime],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._state = state
        self._clock = clock
        self._interrupted = interrupted
        self._checked: dict[str, _Checked] = {}
        self._backoff = Backoff()
        self.findings: Findings | None = None
        self.is_failing = False
        self.is_back = False
        self.is_current = True
        self._has_forgotten = False
        self._out_of_reach: set[str] = set()

    def due(self, store: LedgerStore, on_wait: Callable[[], object] = lambda: None) -> set[str]:
        """Ask the forge for its repos, and return the names of those to probe in this pass.

        A faulty or missing list is an incident, not an error: without one, repos are probed every
        `forge.probe_every_s`.

        Args:
            store: the ledger, open for writing.
            on_wait: called about once a second while waiting for the forge.
        """
        self._list_repos(store, on_wait)
        now = self._clock()
        return {repo.name for repo in self._state.config.repo if self._is_due(repo, now)}

    def _list_repos(self, store: LedgerStore, on_wait: Callable[[], object]) -> None:
        forge = self._state.config.forge
        self.is_back = False
        self.is_current = forge is None
        if forge is None:
            self._forget_forge(store)
            return
        if self._backoff.is_waiting(_FORGE, self._clock()):
            return
        asking = Background[Listing | GitmeterError]()
        asking.start(lambda: _list(forge))
        while (listed := asking.collect(_WAIT_S)) is None:
            on_wait()
            if self._interrupted():
                return
        listing = listed.result()
        if isinstance(listing, GitmeterError):
            self._note_failure(store, listing)
            return
        self._note_success()
        repos = self._state.config.repo
        listed_before = frozenset(json.loads(store.fact(_LISTED) or "[]"))
        findings = judge_listing(listing, repos, forge.pattern, listed_before)
        before = self.findings
        self.is_current = not findings.lost_at_once
        if self.is_current:
            self.findings = findings
        # `node add` creates a repo before it registers it: pending is what two listings have
        known_pending = findings.pending.keys() & (before.pending if before else {})
        pending = {name: findings.pending[name] for name in known_pending}
        _file(store, repos, findings._replace(pending=pending), self._clock())

    def _is_due(self, repo: RepoConfig, now: datetime) -> bool:
        forge = self._state.config.forge
        if forge is None or repo.forge_id is None:
            return True
        last = self._checked.get(repo.name)
        if last is None or not last.is_in_order:
            return True
        # a probe that is further ahead than any can be: the clock was set back meanwhile
        if not timedelta(0) < last.probe_at - now <= timedelta(seconds=forge.probe_every_s):
            return True
        if self.findings is None or repo.name not in self.findings.changed_at:
            return False
        changed_at = self.findings.changed_at[repo.name]
        return changed_at is None or changed_at != last.changed_at

    def forget(self, name: str) -> None:
        """Make a repo due in the next pass, as if it were new."""
        self._checked.pop(name, None)

    def note(self, report: RepoReport) -> None:
        """Remember the result of a check."""
        config = self._state.config
        if config.forge is None:
            return
        pause_s = config.pull_every_s + config.pull_jitter_s  # probes happen in passes, not between
        probe_in_s = config.forge.probe_every_s * random.uniform(_EARLIEST, 1) - pause_s
        changed_at = self.findings and self.findings.changed_at.get(report.name)
        self._note_reach(report)
        is_in_order = report.incident is None and report.behind == 0
        self._checked[report.name] = _Checked(
            changed_at, is_in_order, self._clock() + timedelta(seconds=probe_in_s)
        )

    def _note_reach(self, report: RepoReport) -> None:
        """Make every repo due once when one of the forge is back that was out of reach.

        A forge that was killed between two listings shows it by its repos alone.
        """
        if report.incident is IncidentKind.UNREACHABLE:
            repos = self._state.config.repo
            if any(repo.name == report.name and repo.forge_id is not None for repo in repos):
                self._out_of_reach.add(report.name)
        elif report.name in self._out_of_reach:
            self._out_of_reach.clear()  # of several that are back only the first counts
            self._checked.clear()

    def _forget_forge(self, store: LedgerStore) -> None:
        """Close the incidents of a forge that is no longer configured: nothing else would."""
        if not self._has_forgotten:
            self._has_forgotten = True
            with store.transaction():
                for kind in _KINDS:
                    store.incidents.file_all(kind, {}, self._clock())

    def _note_success(self) -> None:
        self.is_back, self.is_failing = self.is_failing, False
        if self.is_back:
            self._checked.clear()
        self._backoff.succeeded(_FORGE)

    def _note_failure(self, store: LedgerStore, error: GitmeterError) -> None:
        self.is_failing = True
        now = self._clock()
        asked_s = error.retry_after_s if isinstance(error, ForgeError) else None
        detail = with_hint(error)
        errors = self._backoff.failed(_FORGE, now, wait=error.retry, asked_s=asked_s)
        if is_worth_a_log(errors):
            _log.warning("listing failed", detail=detail, consecutive_errors=errors)
        with store.transaction():
            store.incidents.file_all(IncidentKind.LISTING_FAILED, {(None, "list"): detail}, now)


def _list(forge: ForgeConfig) -> Listing | GitmeterError:
    """Ask the forge; neither its answer nor a bug of ours in reading it may end the daemon."""
    try:
        return open_forge(forge).list_repos()
    except GitmeterError as error:  # also a token file that cannot be read
        return error
    except Exception as error:  # noqa: BLE001 - it is logged and becomes an incident
        _log.exception("listing failed by a bug")
        return BadAnswerError(f"{forge.url}: {type(error).__name__}: {error}")


def _file(
    store: LedgerStore, repos: Iterable[RepoConfig], findings: Findings, now: datetime
) -> None:
    """Open and close incidents by what the listing shows."""
    with store.transaction():
        store.incidents.file_all(IncidentKind.LISTING_FAILED, {}, now)
        if gone := findings.lost_at_once:
            more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
            detail = f"{len(gone)} repos at once: {', '.join(gone[:_NAMED])}{more}"
            store.incidents.file_all(IncidentKind.LISTING_SHRANK, {(None, "list"): detail}, now)
            return
        store.incidents.file_all(IncidentKind.LISTING_SHRANK, {}, now)
        pending: dict[About, str] = {
            (None, name): detail for name, detail in findings.pending.items()
        }
        store.incidents.file_all(IncidentKind.PENDING, pending, now)
        for kind, found in (
            (IncidentKind.VANISHED, findings.vanished),
            (IncidentKind.RENAMED, findings.renamed),
            (IncidentKind.RECREATED, findings.recreated),
            (IncidentKind.PUBLIC, findings.public),
        ):
            named = [repo for repo in repos if repo.name in found]
            rows = [store.repos.row(r.identity) for r in named]
            about: dict[About, str] = {
                (row.id, str(repo.forge_id or "")): found[repo.name]
                for row, repo in zip(rows, named, strict=True)
            }
            store.incidents.file_all(kind, about, now)
        listed = json.dumps(sorted(findings.listed))
        if store.fact(_LISTED) != listed:
            store.set_fact(_LISTED, listed)
