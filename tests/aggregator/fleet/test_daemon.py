"""The daemon with a forge: a push is billed within seconds, and everything can be watched."""

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from aggregator.config.registration import RegisteredKey
from aggregator.daemon.hook_watch import HookWatch
from aggregator.daemon.loop import Daemon
from aggregator.forge import open_forge
from aggregator.forge.answers import ANSWER_TIMEOUT_S
from aggregator.reports import repos
from aggregator.serving.pulse import Pulse
from gitmeter.signing.signing_key import new_signing_key
from tests.aggregator.fleet.fleet import START, Fleet, daemon_of
from tests.support.files import write_secret
from tests.support.ledger.running import running_daemon
from tests.support.local_http import free_port

SECRET = "only-the-forge-and-we-know"  # noqa: S105 - of this test alone
NEVER_S = 86_400
"""Between two passes: so long that only a hint can bring a record in."""


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def fleet(tmp_path: Path, port: int) -> Iterator[Fleet]:
    with Fleet(tmp_path) as made:
        made.register("node-1", "node-2")
        made.use("node-1")
        secret = write_secret(tmp_path / "secret", SECRET)
        config = tmp_path / "aggregator.toml"
        own = f"pull_every_s = {NEVER_S}\npull_jitter_s = 0\n"
        listen = f'[listen]\naddress = "127.0.0.1:{port}"\nwebhook_secret_file = "{secret}"\n'
        hook = f'[forge]\nwebhook_url = "http://127.0.0.1:{port}/webhook"\n'
        config.write_text(own + config.read_text().replace("[forge]\n", hook) + listen)
        made.restart()
        assert made.state.config.forge is not None
        forge = open_forge(made.state.config.forge)
        forge.set_hook(f"http://127.0.0.1:{port}/webhook", SECRET, "main")
        yield made


@pytest.fixture
def daemon(fleet: Fleet) -> Iterator[Daemon]:
    with daemon_of(fleet) as made:
        yield made


def records(fleet: Fleet, node: str) -> int:
    """How many records of a node are billed."""
    with sqlite3.connect(fleet.state.config.database_path) as connection:
        row = connection.execute("SELECT records FROM node WHERE name = ?", (node,)).fetchone()
    connection.close()
    return 0 if row is None else int(row[0])


def push(fleet: Fleet, node: str) -> None:
    """Push one more record, and send the webhook about it."""
    fleet.use(node)
    repo = fleet.forge.repo(f"billing-{node}")
    tip = fleet.forge.writer(repo.name).tip()
    fleet.forge.webhooks.push(repo, "refs/heads/main", "0" * 40, str(tip), "-")


def metrics(port: int) -> dict[tuple[str, str], float]:
    """Every measurement, by its name and the value of its only label."""
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    return {
        (sample.name, ",".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_push_is_billed_without_a_pass(fleet: Fleet, port: int) -> None:
    """Health and metrics show it; the other repo is not even probed."""
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: any("repos," in text for text in running.messages))
        assert (records(fleet, "node-1"), records(fleet, "node-2")) == (1, 0)
        running.listen(lambda: fleet.forge.count("/billing-node-2/hooks") > 0)  # the daily check
        asked = fleet.forge.count("billing-node-1.git")
        push(fleet, "node-2")
        running.listen(lambda: records(fleet, "node-2") == 1)
        assert fleet.forge.count("billing-node-1.git") == asked
        health = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        found = metrics(port)
        code, _ = running.leave()
    assert code == 0
    assert found["gitmeter_records_total", "node-2"] == 1
    assert found["gitmeter_webhook_requests_total", "accepted"] == 1
    assert fleet.forge.webhooks.deliveries[0].status in {200, 202, 204}


def test_a_forged_webhook_moves_nothing(fleet: Fleet, port: int) -> None:
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: any("repos," in text for text in running.messages))
        push(fleet, "node-2")
        fleet.forge.webhooks.wait(1)
        sent = fleet.forge.webhooks.deliveries[0]
        asked = fleet.forge.count("billing-node-2.git")
        body = sent.body.replace(b"billing-node-2", b"billing-node-1")
        answer = requests.post(sent.url, data=body, headers=sent.headers, timeout=60)
        assert answer.status_code == 403
        running.listen(lambda: records(fleet, "node-2") == 1)
        code, _ = running.leave()
    assert code == 0
    assert fleet.forge.count("billing-node-2.git") >= asked


def test_what_drifted_on_the_forge_is_an_incident(fleet: Fleet, port: int) -> None:
    """The repos were made by hand here, so neither has the key and the rule that it should."""
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: "forge drift" in fleet.incidents())
        found = metrics(port)
        code, _ = running.leave()
    assert code == 0
    assert fleet.incidents()["forge drift"] >= {"node-1", "node-2"}
    assert found["gitmeter_forge_check_failing", ""] == 0
    assert found["gitmeter_last_forge_check_timestamp_seconds", ""] > 0


def test_a_check_that_the_token_may_not_make_is_an_incident(fleet: Fleet, port: int) -> None:
    fleet.forge.misbehave("403", where="/keys")
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: "forge not checked" in fleet.incidents())
        found = metrics(port)
        code, _ = running.leave()
    assert code == 0
    assert found["gitmeter_forge_check_failing", ""] == 1


def test_a_check_that_gets_no_answer_does_not_delay_stopping(fleet: Fleet) -> None:
    fleet.forge.misbehave("hang", where="/keys")
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: fleet.forge.count("/keys") > 0)
        started_s = time.monotonic()
        code, _ = running.leave()
    assert code == 0
    assert time.monotonic() - started_s < ANSWER_TIMEOUT_S / 2


def test_a_taken_address_is_an_error_with_a_hint(fleet: Fleet, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        config = fleet.folder / "aggregator.toml"
        with running_daemon(fleet.folder, config, JOURNAL_STREAM="8:1") as running:
            code = running.process.wait(60)
            assert running.process.stderr is not None
            said = running.process.stderr.read()
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in said
    events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert not any(event["event"] == "started" for event in events)


def test_a_key_is_known_before_the_next_push_is_judged(fleet: Fleet) -> None:
    """Of a node that is registered while the daemon runs, and of one whose key is changed."""
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: any("repos," in text for text in running.messages))
        fleet.register("node-3")
        push(fleet, "node-3")
        running.listen(lambda: records(fleet, "node-3") == 1)
        forge_id = fleet.forge.repo("billing-node-2").id
        other = RegisteredKey(line=new_signing_key().public.line, added_at=START)
        fleet.bind("node-2", forge_id, keys=(other,))
        push(fleet, "node-2")
        running.listen(lambda: "bad signature" in fleet.incidents())
        fleet.bind("node-2", forge_id)
        running.listen(lambda: records(fleet, "node-2") == 1)
        running.listen(lambda: "bad signature" not in fleet.incidents())
        code, _ = running.leave()
    assert code == 0


@pytest.mark.parametrize("is_registered_first", [True, False])
def test_a_node_is_billed_at_once_whichever_comes_first_its_push_or_its_registration(
    fleet: Fleet, port: int, *, is_registered_first: bool
) -> None:
    """A file that is written in place does not change the folder, so the webhook alone tells."""
    fleet.bind("node-3", fleet.forge.create("billing-node-3").id)
    file = fleet.nodes_dir / "node-3.toml"
    registration = file.read_text()
    file.write_text("not complete yet")
    with running_daemon(fleet.folder, fleet.folder / "aggregator.toml") as running:
        running.listen(lambda: any("repos," in text for text in running.messages))
        if is_registered_first:
            file.write_text(registration)
            push(fleet, "node-3")
        else:
            push(fleet, "node-3")
            running.listen(lambda: metrics(port)["gitmeter_webhook_requests_total", "ignored"] == 1)
            file.write_text(registration)
        running.listen(lambda: records(fleet, "node-3") == 1)
        code, _ = running.leave()
    assert code == 0


def pass_with_push(fleet: Fleet, daemon: Daemon) -> None:
    """A push without a webhook, and a pass that finds it."""
    fleet.use("node-1")
    daemon._pull()


def test_webhooks_that_do_not_arrive_are_an_incident_until_one_does(
    fleet: Fleet, daemon: Daemon, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.daemon.missing_hooks.ON_ITS_WAY_S", 0)
    with daemon._services:
        daemon._pull()
        requests.get(f"http://127.0.0.1:{port}/webhook", timeout=60)
        pass_with_push(fleet, daemon)
        pass_with_push(fleet, daemon)
        assert "no webhooks" not in fleet.incidents()
        pass_with_push(fleet, daemon)
        assert fleet.incidents()["no webhooks"] == {"webhooks"}
        pass_with_push(fleet, daemon)
        found = {row["kind"]: row["detail"] for row in repos.incidents(fleet.ledger.store)}
        assert found["no webhooks"].startswith("4 pushes were found since ")
        assert "what arrived: 1 not POST" in found["no webhooks"]
        push(fleet, "node-2")
        fleet.forge.webhooks.wait(1)
        daemon._pull_hinted()
        assert "no webhooks" not in fleet.incidents()


def test_an_incident_about_webhooks_stays_open_over_a_restart_while_they_are_expected(
    fleet: Fleet, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.daemon.missing_hooks.ON_ITS_WAY_S", 0)
    daemon._pull()
    for _ in range(3):
        pass_with_push(fleet, daemon)

    def file_anew() -> None:
        pulse = Pulse(lambda: fleet.now, NEVER_S)
        HookWatch(fleet.state, fleet.ledger.store, lambda: fleet.now, pulse).file(is_whole=True)

    file_anew()
    assert "no webhooks" in fleet.incidents()
    fleet.state.config = fleet.state.config.model_copy(update={"listen": None})
    file_anew()
    assert "no webhooks" not in fleet.incidents()


def test_pushes_to_a_repo_that_is_not_registered_tell_nothing_of_webhooks(
    fleet: Fleet, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forge may have none for it, or not even be its server."""
    monkeypatch.setattr("aggregator.daemon.missing_hooks.ON_ITS_WAY_S", 0)
    config = fleet.state.config
    others = tuple(repo.model_copy(update={"forge_id": None}) for repo in config.repo)
    fleet.state.config = config.model_copy(update={"repo": others})
    monkeypatch.setattr(daemon._registrations, "refresh", lambda *_: set())
    daemon._pull()
    for _ in range(4):
        pass_with_push(fleet, daemon)
    assert records(fleet, "node-1") == 5
    assert "no webhooks" not in fleet.incidents()
