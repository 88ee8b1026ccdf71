"""Measurements of ledger and loop, in Prometheus' text format.

None contains the name of a user: the only labels are names of nodes and repos, kinds of incidents
and states of charges, so the number of series does not grow with customers.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from aggregator.balances.low import count_below_zero
from aggregator.incidents.kinds import IncidentKind
from aggregator.rating.rating import ChargeState
from aggregator.serving.pulse import Beat, Pulse
from aggregator.store.questions.metrics import Facts, NodeCounts, read_facts
from aggregator.store.store import PULLED_AT
from gitmeter.support.backoff import is_worth_a_log
from gitmeter.support.errors import GitmeterError
from wire_format.instants import parse_ts

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_log = structlog.get_logger()

_OF_NODES: Final[tuple[tuple[type[Metric], str, str, Callable[[NodeCounts], int]], ...]] = (
    (CounterMetricFamily, "gitmeter_records", "Records admitted.", lambda n: n.records),
    (
        CounterMetricFamily,
        "gitmeter_duplicates",
        "Lines dropped because they were there already.",
        lambda n: n.duplicates,
    ),
    (
        GaugeMetricFamily,
        "gitmeter_held_lines",
        "Well-formed lines that are not billed.",
        lambda n: n.held,
    ),
    (
        GaugeMetricFamily,
        "gitmeter_rejected_lines",
        "Lines and files that are not valid.",
        lambda n: n.rejected,
    ),
    (
        GaugeMetricFamily,
        "gitmeter_gaps",
        "Ranges of seqs that are missing inside an epoch.",
        lambda n: n.gaps,
    ),
    (
        GaugeMetricFamily,
        "gitmeter_missing_seqs",
        "Seqs that are missing inside an epoch.",
        lambda n: n.missing_seqs,
    ),
)


class Metrics(Collector):
    """Reads the ledger anew at each scrape.

    Args:
        database_path: of the ledger; need not be there.
        pulse: of the loop.
        clock: tells the time.
    """

    def __init__(self, database_path: Path, pulse: Pulse, clock: Callable[[], datetime]) -> None:
        self._database_path = database_path
        self._pulse = pulse
        self._clock = clock
        self._failures = 0
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All measurements; those of the ledger are omitted while it cannot be read."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not read a ledger that is not there yet."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The measurements, for the registry."""
        now = self._clock()
        facts = self._facts(now)
        beat = self._pulse.read()
        yield _gauge("gitmeter_up", "Whether the ledger could be read.", facts is not None)
        yield InfoMetricFamily(
            "gitmeter_build", "The version that runs.", {"version": version("gitmeter")}
        )
        yield from of_loop(beat, None if facts is None else facts.pulled_at)
        yield from of_forge(beat)
        if facts is not None:
            yield from of_ledger(facts)
            yield from of_repos(facts, beat.repos, now)

    def _facts(self, now: datetime) -> Facts | None:
        try:
            facts = read_facts(self._database_path, PULLED_AT)
        except (GitmeterError, OSError) as error:
            self._failures += 1
            if is_worth_a_log(self._failures):
                _log.warning(
                    "ledger not measured", detail=str(error), consecutive_errors=self._failures
                )
            return None
        self._failures = 0
        more = count_below_zero(facts.with_grants, facts.plans_toml, now)
        return facts._replace(accounts_below_zero=facts.accounts_below_zero + more)


def of_loop(beat: Beat, pulled_at: str | None) -> Iterator[Metric]:
    """What the loop says of itself.

    Args:
        beat: this moment.
        pulled_at: when the ledger was brought up to date last, by an earlier process perhaps.
    """
    yield _gauge("gitmeter_loop_age_seconds", "Since the loop was alive.", beat.loop_age_s)
    pulls = CounterMetricFamily("gitmeter_pulls", "Whole pulls since the start.")
    pulls.add_metric([], beat.pulls)
    yield pulls
    yield _gauge(
        "gitmeter_pull_running_seconds",
        "How long the whole pull at hand has run; 0 between pulls.",
        beat.pull_running_s or 0,
    )
    yield _gauge(
        "gitmeter_pull_interval_seconds",
        "The longest pause between two whole pulls that is configured.",
        beat.pull_within_s,
    )
    yield _gauge("gitmeter_pull_duration_seconds", "Of the last whole pull.", beat.pull_duration_s)
    finished_at = beat.pulled_at or (None if pulled_at is None else parse_ts(pulled_at))
    for name, text, at in (
        ("gitmeter_last_pull", "End of the last whole pull.", finished_at),
        ("gitmeter_next_pull", "Start of the next whole pull.", beat.next_pull_at),
    ):
        yield _time(name, text, at)


def of_forge(beat: Beat) -> Iterator[Metric]:
    """What the loop knows of the forge, and what the webhook received."""
    for name, text, at in (
        ("gitmeter_last_listing", "Last list of the forge's repos.", beat.listed_at),
        (
            "gitmeter_last_forge_check",
            "End of the last check of the forge that saw everything.",
            beat.forge_checked_at,
        ),
    ):
        yield _time(name, text, at)
    yield _gauge(
        "gitmeter_listing_failing",
        "Whether the forge's repos could not be listed at the last try.",
        beat.is_listing_failing,
    )
    yield _gauge(
        "gitmeter_forge_check_failing",
        "Whether the last check of the forge did not see everything.",
        beat.is_forge_check_failing,
    )
    yield _gauge("gitmeter_pending_repos", "Repos that are not registered yet.", beat.pending)
    yield _gauge("gitmeter_vanished_repos", "Repos gone from the forge.", beat.vanished)
    hooks = CounterMetricFamily(
        "gitmeter_webhook_requests", "Requests to the webhook by result.", labels=["result"]
    )
    for result, count in beat.hooks.items():
        hooks.add_metric([result], count)
    yield hooks


def of_ledger(facts: Facts) -> Iterator[Metric]:
    """Sums over the whole ledger, and what is known of each node's records."""
    for family, name, text, value in _OF_NODES:
        metric = family(name, text, labels=["node"])  # type: ignore[call-arg]  # both take them
        for node in facts.nodes:
            metric.add_metric([node.node], value(node))  # type: ignore[attr-defined]  # as above
        yield metric
    incidents = GaugeMetricFamily(
        "gitmeter_open_incidents", "Incidents that are not over.", labels=["kind"]
    )
    for kind in IncidentKind:
        incidents.add_metric([kind], facts.open_incidents.get(kind, 0))
    yield incidents
    unpriced = GaugeMetricFamily(
        "gitmeter_unpriced_charges",
        "Charges that are not billed in full: without a price, or beyond the limit.",
        labels=["state"],
    )
    for state in ChargeState:
        if state is not ChargeState.RATED:
            unpriced.add_metric([state], facts.unrated.get(state, 0))
    yield unpriced
    yield _gauge("gitmeter_accounts", "Users with usage or payments.", facts.accounts)
    yield _gauge(
        "gitmeter_accounts_below_zero",
        "Users whose balance is negative.",
        facts.accounts_below_zero,
    )
    yield _gauge("gitmeter_database_bytes", "Size of the ledger's files.", facts.database_bytes)


def of_repos(facts: Facts, reading: frozenset[str] | None, now: datetime) -> Iterator[Metric]:
    """How far each repo has been read.

    Args:
        facts: counts of the ledger.
        reading: repos to include; None for all that were ever read.
        now: the time that lag is measured against.
    """
    labels = ["node", "repo", "role"]
    behind = GaugeMetricFamily(
        "gitmeter_repo_behind_commits", "Commits fetched and not applied.", labels=labels
    )
    lag = GaugeMetricFamily(
        "gitmeter_node_lag_seconds", "Age of the newest applied commit.", labels=labels
    )
    for repo in facts.repos:
        if reading is not None and repo.repo not in reading:
            continue
        names = [repo.node, repo.repo, repo.role]
        behind.add_metric(names, repo.behind)
        if repo.committed_at_s is not None:
            # a commit may be dated a little ahead of our clock
            lag.add_metric(names, max(now.timestamp() - repo.committed_at_s, 0))
    yield behind
    yield lag


def _gauge(name: str, text: str, value: float | None) -> GaugeMetricFamily:
    """A gauge without labels; without a sample where nothing is known."""
    metric = GaugeMetricFamily(name, text)
    if value is not None:
        metric.add_metric([], value)
    return metric


def _time(name: str, text: str, at: datetime | None) -> GaugeMetricFamily:
    """A gauge with a time; without a sample where it is not known."""
    return _gauge(f"{name}_timestamp_seconds", text, None if at is None else at.timestamp())
