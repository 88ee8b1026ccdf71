"""Who is let in at all, and where a forge says that it is."""

from pathlib import Path

import pytest

from tests.forge_support.calling import Client, git, push
from tests.gitmeter.signing.openssh import make_key, public_line
from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter

A = "/repos/ops/billing-a"


def test_without_a_second_factor_there_are_no_repos(forge: ForgeServer, work: RepoWriter) -> None:
    """By the API, where it is enforced; lists and git go on."""
    token = forge.add_token("admin", user="olga", has_second_factor=False)
    client = Client(forge, token)
    assert client.get(A)["name"] == "billing-a"
    forge.two_factor_enforced = True
    for path in (A, f"{A}/keys"):
        assert client.ask("GET", path).status_code == 404
    assert [repo["name"] for repo in client.get("/orgs/ops/repos")] == ["billing-a"]
    assert push(forge, work, token=token) == ""
    client.close()
    other = Client(forge)
    assert other.get(A)["name"] == "billing-a"
    other.close()


def test_a_disabled_account_is_told_so(forge: ForgeServer, client: Client) -> None:
    """By the API; git gets a page that is a success to HTTP."""
    forge.org.inactive_users.add("owner")
    for path in ("/version", "/orgs/ops/repos", A):
        answer = client.ask("GET", path)
        assert answer.status_code == 403
        assert "This account is prohibited from signing in" in answer.json()["message"]
    page = client.ask("GET", f"{forge.clone_url('billing-a')}/info/refs?service=git-upload-pack")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Your account is prohibited from signing in" in page.text
    failed = git("ls-remote", forge.clone_url("billing-a"), token=forge.admin_token)
    assert "is this a git repository?" in failed.stderr
    assert git("ls-remote", forge.clone_url("billing-a"), token=forge.read_token).returncode == 0


def test_only_a_token_with_that_scope_says_whose_it_is(forge: ForgeServer, client: Client) -> None:
    refused = client.ask("GET", "/user")
    assert refused.status_code == 403
    assert "required scope(s): [read:user]" in refused.json()["message"]
    asker = Client(forge, forge.add_token("read", user="carl", scopes={"read:user"}))
    assert asker.get("/user")["login"] == "carl"
    asker.close()


def test_addresses_are_those_of_root_url(tmp_path: Path) -> None:
    """Wherever the forge was asked."""
    with ForgeServer(tmp_path / "forge", root_url="http://other.invalid/") as forge:
        for number in range(3):
            forge.create(f"billing-{number}")
        client = Client(forge)
        repo = client.get("/repos/ops/billing-0")
        assert repo["clone_url"] == "http://other.invalid/ops/billing-0.git"
        assert repo["html_url"] == "http://other.invalid/ops/billing-0"
        link = client.ask("GET", "/orgs/ops/repos?limit=2").headers["Link"]
        assert link.startswith("<http://other.invalid/api/v1/orgs/ops/repos?limit=2&page=2>")
        assert git("ls-remote", forge.clone_url("billing-0"), token=forge.read_token).stderr == ""
        client.close()


def test_git_can_be_refused_over_http(forge: ForgeServer, client: Client) -> None:
    """As with DISABLE_HTTP_GIT; the API goes on."""
    forge.http_git = False
    answer = client.ask("GET", f"{forge.clone_url('billing-a')}/info/refs?service=git-upload-pack")
    words = "Interacting with repositories by HTTP protocol is not allowed"
    assert (answer.status_code, answer.text.strip()) == (403, words)
    assert client.get(A)["name"] == "billing-a"


@pytest.mark.parametrize("flavour", ["forgejo", "gitea"])
def test_an_organisation_gets_another_name(
    forge: ForgeServer, gitea: ForgeServer, work: RepoWriter, flavour: str
) -> None:
    """The old one leads to it, on both with 307."""
    running = {"forgejo": forge, "gitea": gitea}[flavour]
    url, client = running.clone_url("billing-a"), Client(running)
    running.rename_org("operations")
    answer = client.ask("POST", "/orgs/ops/repos?x=1", {"name": "b"})
    assert answer.status_code == 307
    assert answer.headers["Location"] == "/api/v1/orgs/operations/repos?x=1"
    answer = client.ask("GET", A)
    assert answer.headers["Location"] == "/api/v1/repos/operations/billing-a"
    refused = git("-c", "http.followRedirects=false", "ls-remote", url, token=running.read_token)
    assert "307" in refused.stderr
    assert client.get("/repos/operations/billing-a")["full_name"] == "operations/billing-a"
    assert push(running, work) == ""
    assert client.get("/repos/operations/billing-a")["empty"] is False
    assert git("ls-remote", url, token=running.read_token).stdout.startswith(str(work.tip()))
    client.close()


def test_forgejo_leads_nowhere_over_ssh(tmp_path: Path) -> None:
    with ForgeServer(tmp_path / "forge", has_ssh=True) as forge:
        assert forge.ssh is not None
        forge.create("billing-a")
        client, key = Client(forge), make_key(tmp_path)
        client.post(f"{A}/keys", title="node", key=public_line(key))
        client.close()
        url, command = forge.ssh_url("billing-a"), forge.ssh.git_ssh_command(key_file=key)
        forge.rename_org("operations")
        lost = git("ls-remote", url, ssh_command=command)
        assert "Forgejo: Cannot find repository: ops/billing-a" in lost.stderr
        assert git("ls-remote", forge.ssh_url("billing-a"), ssh_command=command).returncode == 0


def test_beyond_the_limit_a_repo_is_not_made_and_nothing_says_why(
    forge: ForgeServer, client: Client
) -> None:
    forge.creation_limit = 2
    client.post("/orgs/ops/repos", name="billing-b")
    answer = client.ask("POST", "/orgs/ops/repos", {"name": "billing-c"})
    assert (answer.status_code, answer.json()["message"]) == (500, "")
    assert client.ask("POST", "/orgs/ops/repos", {"name": "billing-b"}).status_code == 500
    assert len(forge.org.repos) == 2
