"""Real pushes and fetches over http: let in or refused as a Forgejo does, with its words."""

from pathlib import Path

import pytest

from tests.forge_support.calling import Client, git, protect, push, tip
from tests.gitmeter.signing.openssh import fixed_key
from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter

OWN = fixed_key(1)


def test_a_push_arrives_and_is_told(forge: ForgeServer, client: Client, work: RepoWriter) -> None:
    before = client.get("/repos/ops/billing-a")
    assert push(forge, work) == ""
    assert tip(forge) == work.tip()
    after = client.get("/repos/ops/billing-a")
    assert (before["empty"], after["empty"]) == (True, False)
    assert after["updated_at"] >= before["updated_at"]


def test_the_repo_is_fetched_by_those_who_may(
    forge: ForgeServer, work: RepoWriter, tmp_path: Path
) -> None:
    push(forge, work)
    url = forge.clone_url("billing-a")
    assert git("clone", url, tmp_path / "clone", token=forge.read_token).returncode == 0
    assert (tmp_path / "clone" / "a").read_bytes() == b"1"
    bare = url.removesuffix(".git")
    assert git("ls-remote", bare, token=forge.read_token).returncode == 0


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("nobody", "could not read Username"),
        ("wrong", "could not read Username"),
        ("read", "403"),
        ("read scope", "403"),
        ("blind", "not found"),
    ],
)
def test_those_who_may_not_push_are_refused(
    forge: ForgeServer, work: RepoWriter, who: str, words: str
) -> None:
    token = {
        "nobody": "",
        "wrong": "wrong",
        "read": forge.read_token,
        "read scope": forge.add_token("write", scopes={"read:repository"}),
        "blind": forge.add_token("write", sees=()),
    }[who]
    assert words in push(forge, work, token=token)
    assert tip(forge) is None


def test_basic_authentication_takes_the_token_as_password(
    forge: ForgeServer, work: RepoWriter
) -> None:
    url = forge.clone_url("billing-a").replace("://", f"://node:{forge.write_token}@")
    assert git("push", url, "main", cwd=work.path).returncode == 0


def test_an_archived_repo_takes_no_push_and_is_still_read(
    forge: ForgeServer, work: RepoWriter
) -> None:
    push(forge, work)
    forge.archive("billing-a")
    work.commit({"b": b"2"})
    assert "403" in push(forge, work)
    assert git("ls-remote", forge.clone_url("billing-a"), token=forge.read_token).returncode == 0
    forge.archive("billing-a", archived=False)
    assert push(forge, work) == ""


def test_an_old_name_is_a_redirect(forge: ForgeServer, work: RepoWriter) -> None:
    """Clients follow it unless they are told not to."""
    push(forge, work)
    forge.rename("billing-a", "billing-z")
    url, token = forge.clone_url("billing-a"), forge.read_token
    assert git("ls-remote", url, token=token).returncode == 0
    refused = git("-c", "http.followRedirects=false", "ls-remote", url, token=token)
    assert "307" in refused.stderr
    forge.create("billing-a")
    assert git("ls-remote", url, token=token).stdout == ""


def test_without_a_protection_anything_goes(forge: ForgeServer, work: RepoWriter) -> None:
    push(forge, work)
    work.orphan({"b": b"2"})
    assert push(forge, work, "+main") == ""
    assert tip(forge) == work.tip()


@pytest.fixture
def protected(forge: ForgeServer, client: Client, work: RepoWriter) -> ForgeServer:
    """The repo with a commit and a rule that lets a user push."""
    work.signer = OWN.sign
    work.commit({"signed": b"1"})
    protect(client, "billing-a", push_whitelist_usernames=["writer"])
    assert push(forge, work, f"{work.tip()}:refs/heads/main") == ""
    return forge


@pytest.mark.parametrize("options", [{}, {"require_signed_commits": True}])
def test_a_protected_branch_only_grows(
    protected: ForgeServer, client: Client, work: RepoWriter, options: dict[str, object]
) -> None:
    client.ask("PATCH", "/repos/ops/billing-a/branch_protections/main", options)
    before = tip(protected)
    words = push(protected, work, ":main")
    assert "Forgejo: branch main is the default branch and cannot be deleted" in words
    assert "(pre-receive hook declined)" in words
    work.orphan({"b": b"2"})
    assert "Forgejo: branch main is protected from force push" in push(protected, work, "+main")
    assert tip(protected) == before
    assert before is not None
    work.force(before)
    work.commit({"c": b"3"})
    assert push(protected, work) == ""


def test_another_protected_branch_is_not_deleted_either(
    forge: ForgeServer, client: Client, work: RepoWriter
) -> None:
    assert push(forge, work, "main:release/1") == ""
    protect(client, "billing-a", rule_name="release/*")
    words = push(forge, work, ":release/1")
    assert "Forgejo: branch release/1 is protected from deletion" in words


def test_a_commit_without_a_signature_is_named(
    protected: ForgeServer, client: Client, work: RepoWriter
) -> None:
    """Wherever it is among the new ones, and whatever its message says."""
    path = "/repos/ops/billing-a/branch_protections/main"
    client.ask("PATCH", path, {"require_signed_commits": True})
    before = tip(protected)
    work.commit({"b": b"1"})
    work.signer = None
    bad = work.commit({"b": b"2"}, message="usage\n\ngpgsig looks signed\n")
    work.signer = OWN.sign
    work.commit({"b": b"3"})
    refusal = f"Forgejo: branch main is protected from unverified commit {bad}"
    assert refusal in push(protected, work)
    assert tip(protected) == before
    client.ask("PATCH", path, {"require_signed_commits": False})
    assert push(protected, work) == ""


def test_only_those_on_the_list_push(
    protected: ForgeServer, client: Client, work: RepoWriter
) -> None:
    work.commit({"b": b"1"})
    refusal = "Forgejo: Not allowed to push to protected branch main"
    assert refusal in push(protected, work, token=protected.admin_token)
    path = "/repos/ops/billing-a/branch_protections/main"
    client.ask("PATCH", path, {"enable_push": False})
    assert refusal in push(protected, work)
    client.ask("PATCH", path, {"enable_push": True})
    assert push(protected, work, token=protected.admin_token) == ""


def test_a_real_forgejo_asks_for_signatures_of_its_users(tmp_path: Path, work: RepoWriter) -> None:
    """With the committer's e-mail address; any other signature is as good as none."""
    with ForgeServer(tmp_path / "strict", signers="users") as forge:
        forge.create("billing-a")
        client = Client(forge)
        options = {"enable_push_whitelist": False, "require_signed_commits": True}
        protect(client, "billing-a", **options)
        client.close()
        work.signer = OWN.sign
        signed = work.commit({"b": b"1"}, parents=())
        refusal = f"protected from unverified commit {signed}"
        assert refusal in push(forge, work)
        forge.add_user_key("else@example.invalid", OWN.public.line)
        assert refusal in push(forge, work)
        forge.org.user_keys.clear()
        forge.add_user_key("node@example.invalid", fixed_key(2).public.line)
        assert refusal in push(forge, work)
        forge.add_user_key("node@example.invalid", OWN.public.line)
        assert push(forge, work) == ""
