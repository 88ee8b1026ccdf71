"""What Gitea does differently from Forgejo, and what a forge does after a bad day."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.forge_support.calling import Client, git, protect, push, tip
from tests.gitmeter.signing.openssh import make_key, public_line
from tests.support.forge import ApiError, ForgeServer
from tests.support.receiver import ReceiverServer
from tests.support.repos import RepoWriter

A = "/repos/ops/billing-a"


def test_gitea_answers_an_old_name_with_301(
    gitea: ForgeServer, gitea_client: Client, work: RepoWriter
) -> None:
    push(gitea, work)
    gitea.rename("billing-a", "billing-z")
    answer = gitea_client.ask("GET", A)
    assert answer.status_code == 301
    assert answer.headers["Location"] == "/api/v1/repos/ops/billing-z"
    url, token = gitea.clone_url("billing-a"), gitea.read_token
    refused = git("-c", "http.followRedirects=false", "ls-remote", url, token=token)
    assert "301" in refused.stderr
    assert "refs/heads/main" in git("ls-remote", url, token=token).stdout


def test_gitea_leads_from_old_names_to_new_ones_over_ssh(tmp_path: Path, work: RepoWriter) -> None:
    """Of a repo and of the organisation; Forgejo leads nowhere."""
    with ForgeServer(tmp_path / "gitea", has_ssh=True, flavour="gitea") as forge:
        assert forge.ssh is not None
        forge.create("billing-a")
        client = Client(forge)
        key = make_key(tmp_path)
        client.post(f"{A}/keys", title="node", key=public_line(key))
        url = forge.ssh_url("billing-a")
        forge.rename("billing-a", "billing-b")
        forge.rename_org("operations")
        command = forge.ssh.git_ssh_command(key_file=key)
        done = git("push", url, "main", cwd=work.path, ssh_command=command)
        assert done.returncode == 0, done.stderr
        assert RepoWriter(forge.path("billing-b")).tip() == work.tip()
        forge.create("billing-a")
        lost = git("ls-remote", url, ssh_command=command)
        assert "Gitea: Public (Deploy) Key" in lost.stderr
        client.close()


def test_only_gitea_says_whether_a_repo_has_code(
    forge: ForgeServer, client: Client, gitea_client: Client
) -> None:
    """Git is gone on both without it."""
    assert gitea_client.get(A)["has_code"] is True
    assert "has_code" not in client.get(A)
    forge.change("billing-a", has_code=False)
    refused = git("ls-remote", forge.clone_url("billing-a"), token=forge.read_token)
    assert "not found" in refused.stderr


@pytest.mark.parametrize("topic", ["topic", "one/two"])
def test_a_push_to_refs_for_becomes_a_pull_request(
    forge: ForgeServer, client: Client, work: RepoWriter, topic: str
) -> None:
    """Without a webhook, and always the same one for a topic."""
    refused = push(forge, work, f"main:refs/for/main/{topic}")
    assert "Can't create pull request for an empty repository." in refused
    push(forge, work)
    protect(client, "billing-a")
    before = forge.repo("billing-a").updated_at
    for number in range(2):
        made = work.commit({"b": f"{number}".encode()})
        assert push(forge, work, f"main:refs/for/main/{topic}") == ""
        assert forge.writer("billing-a").repo.references["refs/pull/1/head"].target == made
    push(forge, work, "main:refs/for/main/other")
    assert "refs/pull/2/head" in forge.writer("billing-a").repo.references
    assert forge.repo("billing-a").updated_at == before
    assert "Unexpected ref: refs/for/none/x" in push(forge, work, "main:refs/for/none/x")
    client.ask("PATCH", A, {"has_pull_requests": False})
    refused = push(forge, work, f"main:refs/for/main/{topic}")
    assert "Forgejo: User permission denied for creating pull-request." in refused


def test_a_repo_gets_another_number(forge: ForgeServer, client: Client) -> None:
    """As after a migration; two repos never have the same."""
    other = forge.create("billing-b")
    before, taken = forge.repo("billing-a").id, other.id
    forge.renumber("billing-a", taken)
    assert client.get(A)["id"] == taken
    assert client.get("/repos/ops/billing-b")["id"] not in {before, taken}
    assert [repo["id"] for repo in client.get("/orgs/ops/repos")] == sorted(forge.org.repos)
    forge.rename("billing-a", "billing-z")
    forge.renumber("billing-z", 900)
    assert forge.org.moved_to("billing-a") == "billing-z"


def test_a_restored_database_gives_a_number_again(forge: ForgeServer, client: Client) -> None:
    number = forge.repo("billing-a").id
    forge.delete("billing-a")
    forge.org.next_number = number
    assert client.post("/orgs/ops/repos", name="billing-b")["id"] == number
    assert client.post("/orgs/ops/repos", name="billing-c")["id"] != number
    forge.org.next_number = number
    with pytest.raises(ApiError):
        forge.create("billing-d")


def test_a_forge_from_an_older_backup_says_nothing(forge: ForgeServer, client: Client) -> None:
    first = forge.commit("billing-a", {"a": b"1"})
    forge.commit("billing-a", {"a": b"2"})
    with ReceiverServer() as receiver:
        config = {"url": receiver.url, "content_type": "json"}
        client.post("/orgs/ops/hooks", type="forgejo", active=True, config=config)
        forge.set_back("billing-a", first)
        assert tip(forge) == first
        third = forge.commit("billing-a", {"a": b"3"})
        forge.webhooks.wait(1)
        assert [got.event["after"] for got in receiver.got] == [third]
    forge.set_back("billing-a", first)
    assert client.get(A)["updated_at"] == "2025-06-01T00:00:00Z"
    forge.set_back("billing-a", first, updated_at=datetime(2025, 7, 1, tzinfo=UTC))
    assert client.get(A)["updated_at"] == "2025-07-01T00:00:00Z"


def test_a_forge_that_is_killed_after_a_push_never_tells_of_it(
    forge: ForgeServer, client: Client, work: RepoWriter
) -> None:
    with ReceiverServer() as receiver:
        config = {"url": receiver.url, "content_type": "json"}
        client.post("/orgs/ops/hooks", type="forgejo", active=True, config=config)
        before = datetime(2025, 7, 1, tzinfo=UTC)
        forge.repo("billing-a").updated_at = before
        forge.lose_events = True
        assert push(forge, work) == ""
        assert (tip(forge), forge.repo("billing-a").updated_at) == (work.tip(), before)
        forge.lose_events = False
        after = forge.commit("billing-a", {"b": b"1"})
        forge.webhooks.wait(1)
        assert [got.event["after"] for got in receiver.got] == [after]
