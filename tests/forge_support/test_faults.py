"""The API can be made to fail in every way that a client must survive."""

import contextlib
import socket
from typing import Any

import pytest
import requests

from tests.forge_support.calling import Client, git
from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter

LIST = "/orgs/ops/repos?limit=50"


@pytest.mark.parametrize("fault", ["garbage_json", "not_a_list", "huge"])
def test_bodies_that_are_no_list(forge: ForgeServer, client: Client, fault: str) -> None:
    forge.misbehave(fault)
    answer = client.ask("GET", LIST)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    if fault == "garbage_json":
        with pytest.raises(requests.JSONDecodeError):
            answer.json()
    else:
        said: Any = answer.json()
        assert said == ({"ok": True} if fault == "not_a_list" else [])
        assert fault != "huge" or len(answer.content) == 64 * 1024 * 1024


def test_a_chosen_request_fails_and_the_others_do_not(forge: ForgeServer, client: Client) -> None:
    """A status code with headers, the third time only."""
    forge.headers["Retry-After"] = "7"
    forge.misbehave("429", where="GET /api/v1/orgs", times=1, spare=2)
    client.get("/repos/ops/billing-a")
    found = [client.ask("GET", LIST) for _ in range(4)]
    assert [answer.status_code for answer in found] == [200, 200, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in found] == [None, None, "7", None]


def test_an_answer_is_lost_and_the_work_is_done(forge: ForgeServer, client: Client) -> None:
    forge.misbehave("lose_answer", where="POST", times=1)
    with pytest.raises(requests.ConnectionError):
        client.ask("POST", "/orgs/ops/repos", {"name": "billing-b"})
    assert client.ask("POST", "/orgs/ops/repos", {"name": "billing-b"}).status_code == 409


def test_a_push_whose_answer_is_lost_has_arrived(forge: ForgeServer, work: RepoWriter) -> None:
    """And is told as any other."""
    forge.misbehave("lose_answer", where="POST /ops/billing-a.git/git-receive-pack")
    done = git("push", forge.clone_url("billing-a"), "main", cwd=work.path, token=forge.write_token)
    assert done.returncode != 0
    assert forge.writer("billing-a").tip() == work.tip()
    assert forge.repo("billing-a").empty is False


@pytest.mark.parametrize("fault", ["reset", "cut", "slam"])
def test_a_connection_breaks(forge: ForgeServer, client: Client, fault: str) -> None:
    forge.misbehave(fault)
    with pytest.raises(requests.RequestException):
        client.ask("GET", LIST)
    forge.behave()
    assert len(client.get(LIST)) == 1


def _begun(forge: ForgeServer, reads: int) -> bytes:
    """What arrives of the list in so many reads, or until a second passes without a byte."""
    lines = (f"GET /api/v1{LIST} HTTP/1.1", "Host: x", f"Authorization: token {forge.admin_token}")
    received = b""
    with socket.create_connection(("127.0.0.1", forge.server_port), timeout=1) as connection:
        connection.sendall("\r\n".join((*lines, "", "")).encode())
        with contextlib.suppress(TimeoutError):
            for _ in range(reads):
                received += connection.recv(4096)
    return received


@pytest.mark.parametrize("fault", ["hang", "mute"])
def test_nothing_is_answered(forge: ForgeServer, fault: str) -> None:
    forge.misbehave(fault)
    assert _begun(forge, 1) == b""


@pytest.mark.parametrize("fault", ["drip_head", "drip_body"])
def test_an_answer_comes_a_byte_at_a_time(forge: ForgeServer, fault: str) -> None:
    """A client without a limit for the whole answer would wait for minutes."""
    forge.misbehave(fault)
    received = _begun(forge, 12)
    assert received.startswith(b"HTTP")
    assert (b"\r\n\r\n" in received) == (fault == "drip_body")
    assert b"billing-a" not in received


def test_a_redirect_carries_the_token_of_those_who_follow(
    forge: ForgeServer, client: Client
) -> None:
    with ForgeServer(forge.root.parent / "elsewhere") as other:
        forge.elsewhere = other.base_url
        forge.misbehave("redirect", where="/api/v1")
        answer = client.ask("GET", LIST)
        assert answer.status_code == 302
        assert answer.headers["Location"] == f"{other.base_url}/api/v1{LIST}"
        client.ask("GET", answer.headers["Location"])
        assert other.authorizations == [f"token {forge.admin_token}"]
