"""Who may call what, and the statuses and words of Forgejo for everything else."""

import subprocess
from pathlib import Path

import pytest

from tests.forge_support.calling import Client, protect
from tests.gitmeter.signing.openssh import fixed_key, make_key, public_line
from tests.support.forge import ForgeServer
from tests.support.forge.calls.keys import fingerprint

SECRET = "s3cret"  # noqa: S105 - of a test
KEY, OTHER = fixed_key(1).public.line, fixed_key(2).public.line
HOOK = {
    "type": "forgejo",
    "active": True,
    "events": ["push"],
    "branch_filter": "main",
    "config": {"url": "http://127.0.0.1:1/webhook", "content_type": "json", "secret": SECRET},
}
A = "/repos/ops/billing-a"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "/orgs/ops/repos", {"name": "billing-a"}, 409, "same name already exists"),
        ("POST", "/orgs/ops/repos", {"name": "Billing-A"}, 409, "same name already exists"),
        ("POST", "/orgs/ops/repos", {"name": "a b"}, 422, "invalid name"),
        ("POST", "/orgs/ops/repos", {"name": "a.git"}, 422, "invalid name"),
        ("POST", "/orgs/ops/repos", {}, 422, "Required"),
        ("GET", "/orgs/others/repos", None, 404, "couldn't be found"),
        ("GET", "/repos/ops/none", None, 404, "couldn't be found"),
        ("GET", "/nothing", None, 404, "couldn't be found"),
        ("GET", f"{A}/keys/999", None, 404, "couldn't be found"),
        ("POST", f"{A}/keys", {"title": "t", "key": "ssh-ed25519 AAAA"}, 422, "Invalid key"),
        ("POST", f"{A}/keys", {"title": "t", "key": "ssh-rsa " + KEY[12:]}, 422, "Invalid key"),
        ("POST", f"{A}/keys", {"key": KEY}, 422, "Required"),
        ("GET", f"{A}/branch_protections/main", None, 404, "couldn't be found"),
        ("POST", f"{A}/branch_protections", {}, 400, "both rule_name and branch_name are empty"),
        ("DELETE", "/orgs/ops/hooks/999", None, 404, "couldn't be found"),
        ("POST", "/orgs/ops/hooks", {**HOOK, "type": "carrier"}, 422, "Invalid hook type"),
        ("POST", "/orgs/ops/hooks", {**HOOK, "config": {"url": "x"}}, 422, "Missing config"),
    ],
)
def test_what_cannot_be_done_is_said(
    client: Client, method: str, path: str, body: object, status: int, words: str
) -> None:
    answer = client.ask(method, path, body)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text


@pytest.mark.parametrize(
    ("token", "method", "path", "status", "words"),
    [
        ("", "GET", "/repos/ops/billing-a", 404, "couldn't be found"),
        ("", "POST", "/orgs/ops/repos", 401, "token is required"),
        ("wrong", "GET", "/orgs/ops/repos", 401, "invalid username, password or token"),
        ("write", "POST", "/orgs/ops/repos", 403, "not allowed to create repository"),
        ("write", "GET", f"{A}/keys", 403, "admin write of a repository"),
        ("write", "GET", "/orgs/ops/hooks", 403, "Must be an organization owner"),
        ("blind", "GET", "/repos/ops/billing-a", 404, "couldn't be found"),
        ("repos", "GET", "/orgs/ops/repos", 403, "required scope(s): [read:organization]"),
        ("repos", "POST", f"{A}/keys", 403, "required scope(s): [write:repository]"),
    ],
)
def test_a_token_is_good_for_what_it_was_issued_for(
    forge: ForgeServer, token: str, method: str, path: str, status: int, words: str
) -> None:
    secrets = {
        "write": forge.write_token,
        "blind": forge.add_token("admin", sees=()),
        "repos": forge.add_token("admin", scopes={"read:repository"}),
    }
    client = Client(forge, secrets.get(token, token))
    body = {"name": "billing-b", "title": "t", "key": KEY} if method == "POST" else None
    answer = client.ask(method, path, body)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True), answer.text
    client.close()


def test_a_token_can_be_revoked(forge: ForgeServer) -> None:
    client = Client(forge)
    client.get("/orgs/ops/repos")
    forge.revoke(forge.admin_token)
    assert client.ask("GET", "/orgs/ops/repos").status_code == 401
    client.close()


def test_a_repo_is_made_changed_and_deleted(forge: ForgeServer, client: Client) -> None:
    made = client.post("/orgs/ops/repos", name="billing-b", private=True, default_branch="trunk")
    assert (made["private"], made["empty"], made["archived"]) == (True, True, False)
    assert made["default_branch"] == "trunk"
    assert (forge.path("billing-b") / "HEAD").read_text() == "ref: refs/heads/trunk\n"
    changed = client.ask("PATCH", "/repos/ops/billing-b", {"archived": True, "private": False})
    assert (changed.json()["archived"], changed.json()["private"]) == (True, False)
    assert client.ask("DELETE", "/repos/ops/billing-b").status_code == 204
    assert client.ask("GET", "/repos/ops/billing-b").status_code == 404
    again = client.post("/orgs/ops/repos", name="billing-b", private=True)
    assert again["id"] != made["id"]
    assert not forge.path("billing-b").joinpath("forge-archived").exists()


def test_the_old_name_of_a_repo_leads_to_the_new_one(forge: ForgeServer, client: Client) -> None:
    """Until another repo has it."""
    id_ = client.get(A)["id"]
    renamed = client.ask("PATCH", A, {"name": "billing-z"}).json()
    assert (renamed["id"], renamed["name"]) == (id_, "billing-z")
    answer = client.ask("GET", f"{A}/keys?limit=50")
    assert answer.status_code == 307
    assert answer.headers["Location"] == "/api/v1/repos/ops/billing-z/keys?limit=50"
    forge.create("billing-a")
    assert client.get(A)["id"] != id_


def test_keys_are_one_of_a_kind_in_a_repo_and_shared_between_repos(
    forge: ForgeServer, client: Client
) -> None:
    forge.create("billing-b")
    made = client.post(f"{A}/keys", title="node", key=f"{KEY} somebody@somewhere\n")
    assert made["key"] == f"{KEY} somebody@somewhere"
    assert made["read_only"] is False

    def refused(**body: object) -> str:
        answer = client.ask("POST", f"{A}/keys", body)
        assert answer.status_code == 422
        return str(answer.json()["message"])

    assert "already been added to this repository" in refused(title="again", key=KEY)
    assert "A key with the same name already exists" in refused(title="node", key=OTHER)
    elsewhere = client.post("/repos/ops/billing-b/keys", title="node", key=KEY, read_only=True)
    assert elsewhere["key_id"] == made["key_id"]
    assert elsewhere["id"] != made["id"]
    forge.add_user_key("olga@example.com", OTHER)
    assert "used as non-deploy key" in refused(title="olga", key=OTHER)
    assert client.ask("DELETE", f"{A}/keys/{made['id']}").status_code == 204
    assert client.get(f"{A}/keys") == []
    assert len(client.get("/repos/ops/billing-b/keys")) == 1


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path, kind: str) -> None:
    private = make_key(tmp_path, kind)
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", private], capture_output=True, text=True, check=True
    ).stdout
    assert fingerprint(public_line(private)) == shown.split()[1]


def test_a_protection_keeps_what_is_not_named(client: Client) -> None:
    protect(client, "billing-a", require_signed_commits=True)
    again = client.ask("POST", f"{A}/branch_protections", {"rule_name": "main"})
    assert (again.status_code, again.json()["message"]) == (403, "Branch protection already exist")
    path = f"{A}/branch_protections/main"
    changed = client.ask("PATCH", path, {"require_signed_commits": False}).json()
    assert changed["push_whitelist_deploy_keys"] is True
    assert changed["require_signed_commits"] is False
    closed = client.ask("PATCH", path, {"enable_push": False}).json()
    assert closed["enable_push_whitelist"] is False
    assert client.ask("DELETE", path).status_code == 204
    assert client.get(f"{A}/branch_protections") == []


def test_a_hook_never_tells_its_secret_and_never_changes_it(
    forge: ForgeServer, client: Client
) -> None:
    """As Forgejo: a change takes address and content type, and resets what it does not name."""
    made = client.post("/orgs/ops/hooks", **HOOK)
    assert SECRET not in str(made)
    path = f"/orgs/ops/hooks/{made['id']}"
    body = {"config": {"url": "http://127.0.0.1:2/", "secret": "changed"}, "active": False}
    changed = client.ask("PATCH", path, body).json()
    assert (changed["url"], changed["active"]) == ("http://127.0.0.1:2/", False)
    assert (changed["branch_filter"], changed["events"]) == ("", ["push"])
    assert forge.org.hooks[made["id"]].secret == SECRET
    assert client.ask("DELETE", path).status_code == 204
    assert client.get("/orgs/ops/hooks") == []
