"""A push is told to the hooks of the organisation, signed, once, and only to those who asked."""

import hashlib
import hmac
from collections.abc import Iterator

import orjson
import pytest

from tests.forge_support.calling import Client, git
from tests.support.forge import ForgeServer
from tests.support.receiver import ReceiverServer
from tests.support.repos import RepoWriter

SECRET = "s3cret"  # noqa: S105 - of a test


@pytest.fixture
def receiver() -> Iterator[ReceiverServer]:
    with ReceiverServer() as running:
        yield running


def add_hook(client: Client, url: str, **options: object) -> None:
    config = {"url": url, "content_type": "json", "secret": SECRET}
    body = {"type": "forgejo", "active": True, "events": ["push"], "config": config, **options}
    client.post("/orgs/ops/hooks", **body)


def test_a_push_is_told_with_its_signature(
    forge: ForgeServer, client: Client, receiver: ReceiverServer, work: RepoWriter
) -> None:
    add_hook(client, receiver.url)
    url = forge.clone_url("billing-a")
    assert git("push", url, "main", cwd=work.path, token=forge.write_token).returncode == 0
    forge.webhooks.wait(1)
    headers, body, _ = receiver.got[0]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Forgejo-Signature"] == headers["X-Gitea-Signature"] == expected
    assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
    assert headers["X-Forgejo-Event"] == headers["X-Gitea-Event"] == "push"
    assert headers["X-Forgejo-Delivery"] == headers["X-Gitea-Delivery"]
    assert headers["Content-Type"] == "application/json"
    told = orjson.loads(body)
    assert (told["ref"], told["before"], told["after"]) == ("refs/heads/main", "0" * 40, work.tip())
    assert told["repository"]["id"] == forge.repo("billing-a").id
    assert told["repository"]["empty"] is False
    assert told["pusher"]["login"] == "writer"
    assert [commit["id"] for commit in told["commits"]] == [work.tip()]


def test_a_long_push_names_five_commits(
    forge: ForgeServer, client: Client, receiver: ReceiverServer, work: RepoWriter
) -> None:
    add_hook(client, receiver.url)
    made = [work.commit({"a": f"{number}".encode()}) for number in range(8)]
    url = forge.clone_url("billing-a")
    git("push", url, "main", cwd=work.path, token=forge.write_token)
    forge.webhooks.wait(1)
    told = receiver.got[0].event
    assert told["total_commits"] == 9
    assert [commit["id"] for commit in told["commits"]] == made[:-6:-1]
    assert told["head_commit"]["id"] == made[-1]


@pytest.mark.parametrize(
    "options",
    [{"active": False}, {"events": ["release"]}, {"branch_filter": "release*"}],
)
def test_those_who_did_not_ask_hear_nothing(
    forge: ForgeServer, client: Client, receiver: ReceiverServer, options: dict[str, object]
) -> None:
    add_hook(client, f"{receiver.url}?no", **options)
    add_hook(client, receiver.url, branch_filter="ma*")
    forge.commit("billing-a", {"a": b"1"})
    assert [one.url for one in forge.webhooks.wait(1)] == [receiver.url]
    forge.commit("billing-a", {"a": b"2"}, branch="side")
    forge.commit("billing-a", {"a": b"3"})
    assert [one.url for one in forge.webhooks.wait(2)] == [receiver.url] * 2


def test_nothing_is_sent_again_whatever_the_receiver_says(
    forge: ForgeServer, client: Client, receiver: ReceiverServer
) -> None:
    add_hook(client, receiver.url)
    receiver.answer(503)
    forge.commit("billing-a", {"a": b"1"})
    assert forge.webhooks.wait(1)[0].status == 503
    receiver.answer(204)
    forge.commit("billing-a", {"a": b"2"})
    assert [one.status for one in forge.webhooks.wait(2)] == [503, 204]
    assert len(receiver.got) == 2


def test_a_receiver_that_is_away_is_noted(forge: ForgeServer, client: Client) -> None:
    add_hook(client, "http://127.0.0.1:9/webhook")
    forge.commit("billing-a", {"a": b"1"})
    delivery = forge.webhooks.wait(1)[0]
    assert (delivery.status, "refused" in delivery.error) == (None, True)


def test_deliveries_can_be_dropped_held_and_doubled(
    forge: ForgeServer, client: Client, receiver: ReceiverServer
) -> None:
    add_hook(client, receiver.url)
    forge.webhooks.fate = "drop"
    forge.commit("billing-a", {"a": b"1"})
    forge.webhooks.fate = "hold"
    held = forge.commit("billing-a", {"a": b"2"})
    forge.webhooks.fate = "duplicate"
    twice = forge.commit("billing-a", {"a": b"3"})
    ids = [one.uuid for one in forge.webhooks.wait(2)]
    assert ids[0] == ids[1]
    forge.webhooks.release()
    forge.webhooks.wait(3)
    assert [got.event["after"] for got in receiver.got] == [twice, twice, held]


def test_without_a_secret_the_signature_is_empty(
    forge: ForgeServer, client: Client, receiver: ReceiverServer
) -> None:
    add_hook(client, receiver.url, config={"url": receiver.url, "content_type": "json"})
    forge.commit("billing-a", {"a": b"1"})
    forge.webhooks.wait(1)
    assert receiver.got[0].headers["X-Forgejo-Signature"] == ""


def test_gitea_sends_headers_of_its_own(
    gitea: ForgeServer, gitea_client: Client, receiver: ReceiverServer
) -> None:
    add_hook(gitea_client, receiver.url, type="gitea")
    gitea.commit("billing-a", {"a": b"1"})
    gitea.webhooks.wait(1)
    headers, body, _ = receiver.got[0]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Gitea-Signature"] == expected
    assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
    assert [name for name in headers if "forgejo" in name.lower()] == []


def test_a_hook_may_ask_instead_of_posting(gitea: ForgeServer, gitea_client: Client) -> None:
    """What happened is in the address then; the API does not say which hooks do that."""
    config = {"url": f"{gitea.base_url}/hook", "content_type": "json", "secret": "s"}
    made = gitea_client.post("/orgs/ops/hooks", type="gitea", active=True, config=config)
    gitea.org.hooks[made["id"]].http_method = "get"
    gitea.commit("billing-a", {"a": b"1"})
    delivery = gitea.webhooks.wait(1)[0]
    assert (delivery.method, delivery.body) == ("GET", b"")
    assert gitea.count("GET /hook?payload=") == 1
    assert "get" not in str(gitea_client.get("/orgs/ops/hooks")).lower()


def test_a_host_that_is_not_allowed_is_never_called(forge: ForgeServer, client: Client) -> None:
    """And nothing says so."""
    for url in ("http://127.0.0.1:9/a", "http://localhost:9/b"):
        config = {"url": url, "content_type": "json"}
        client.post("/orgs/ops/hooks", type="forgejo", active=True, config=config)
    forge.webhooks.blocked_hosts = {"127.0.0.1"}
    forge.commit("billing-a", {"a": b"1"})
    forge.commit("billing-a", {"a": b"2"})
    assert [one.url for one in forge.webhooks.wait(2)] == ["http://localhost:9/b"] * 2
