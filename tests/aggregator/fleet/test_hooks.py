"""Webhooks as the daemon's passes see them: missing ones, and those of repos that are not known."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator.config.sections import ListenConfig
from aggregator.daemon.loop import Daemon
from aggregator.reports import repos
from aggregator.serving import hook_watch
from aggregator.serving.pulse import HookResult
from aggregator.serving.webhook import Push
from tests.aggregator.fleet.fleet import Fleet, daemon_of

NODES = ("node-1", "node-2", "node-3")
KIND = "no webhooks"


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """Three nodes; a webhook is late at once."""
    monkeypatch.setattr(hook_watch, "LATE_S", 0.0)
    with Fleet(tmp_path) as made:
        made.register(*NODES)
        yield made


@contextmanager
def _daemon(fleet: Fleet) -> Iterator[Daemon]:
    config = fleet.state.config
    assert config.forge is not None
    with daemon_of(fleet) as daemon:
        # afterwards, so that nothing listens
        forge = config.forge.model_copy(update={"webhook_url": "https://meter.example/webhook"})
        fleet.state.config = config.model_copy(update={"forge": forge, "listen": ListenConfig()})
        yield daemon
    fleet.state.config = config


def _push(fleet: Fleet, node: str) -> Push:
    repo = fleet.forge.repo(f"billing-{node}")
    path = f"{fleet.forge.org.name}/{repo.name}"
    return Push(repo.id, fleet.forge.clone_url(repo.name), path, "refs/heads/main", "0" * 40)


def test_pushes_that_passes_find_without_webhooks_are_an_incident_until_one_comes(
    fleet: Fleet,
) -> None:
    fleet.use(*NODES)
    with _daemon(fleet) as daemon:
        daemon._pull()
        assert KIND not in fleet.incidents(), "what came before the start proves nothing"
        daemon._services.pulse.hook(HookResult.WRONG_SIGNATURE)
        fleet.use(*NODES)
        daemon._pull()
        assert fleet.incidents()[KIND] == {"webhooks"}
    details = {row["kind"]: row["detail"] for row in repos.incidents(fleet.ledger.store)}
    assert "3 pushes found by polling" in details[KIND]
    assert "1 wrong_signature" in details[KIND]
    with _daemon(fleet) as again:
        fleet.now += timedelta(hours=1)
        again._pull()
        assert KIND in fleet.incidents(), "a daemon that starts knows nothing yet"
        assert again._services._pushed(_push(fleet, "node-2")) == {"node-2"}
        again._pull()
        assert KIND not in fleet.incidents()


def test_pushes_with_webhooks_are_no_incident(fleet: Fleet) -> None:
    fleet.use(*NODES)
    with _daemon(fleet) as daemon:
        daemon._pull()
        for _ in range(3):
            fleet.use(*NODES)
            for node in NODES:
                daemon._services._pushed(_push(fleet, node))
            daemon._pull()
    assert KIND not in fleet.incidents()


def test_a_webhook_of_an_unknown_repo_makes_the_registrations_be_read(fleet: Fleet) -> None:
    """Its node may have been registered a moment ago."""
    with _daemon(fleet) as daemon:
        daemon._pull()
        fleet.forge.create("billing-node-9")
        push = _push(fleet, "node-9")
        assert daemon._services._pushed(push) == frozenset()
        fleet.bind("node-9", push.repo_id)
        fleet.use("node-9")
        assert daemon._hinted() == {"node-9"}
