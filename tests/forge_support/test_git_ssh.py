"""Real pushes over ssh: a deploy key opens its repos, as far as it may, while it is there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.forge_support.calling import Client, git, protect
from tests.gitmeter.signing.openssh import make_key, public_line
from tests.support.forge import ForgeServer
from tests.support.repos import RepoWriter


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    with ForgeServer(tmp_path / "forge", has_ssh=True) as running:
        running.create("billing-a")
        running.create("billing-b")
        yield running


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path)


def ssh(
    forge: ForgeServer, key: Path, *arguments: str, work: RepoWriter | None = None
) -> tuple[bool, str]:
    """Run git with a key; whether it went well, and all that was said."""
    assert forge.ssh is not None
    done = git(
        *arguments,
        cwd=None if work is None else work.path,
        ssh_command=forge.ssh.git_ssh_command(key_file=key),
    )
    return done.returncode == 0, done.stdout + done.stderr


def test_the_address_is_a_forges(forge: ForgeServer, client: Client) -> None:
    told = client.get("/repos/ops/billing-a")["ssh_url"]
    assert told == forge.ssh_url("billing-a")
    assert told.startswith("ssh://")
    assert told.endswith("/ops/billing-a.git")


def test_a_key_works_while_it_is_there(
    forge: ForgeServer, client: Client, work: RepoWriter, key: Path
) -> None:
    url = forge.ssh_url("billing-a")
    refused, words = ssh(forge, key, "push", url, "main", work=work)
    assert (refused, "Permission denied (publickey)" in words) == (False, True)
    made = client.post("/repos/ops/billing-a/keys", title="node", key=public_line(key))
    assert ssh(forge, key, "push", url, "main", work=work)[0]
    assert RepoWriter(forge.path("billing-a")).tip() == work.tip()
    assert client.get("/repos/ops/billing-a")["empty"] is False
    client.ask("DELETE", f"/repos/ops/billing-a/keys/{made['id']}")
    assert "Permission denied (publickey)" in ssh(forge, key, "ls-remote", url)[1]


@pytest.mark.parametrize(
    ("command", "well"), [(("ls-remote",), True), (("push", "--dry-run"), False)]
)
def test_a_read_only_key_reads(
    forge: ForgeServer,
    client: Client,
    work: RepoWriter,
    key: Path,
    *,
    command: tuple[str, ...],
    well: bool,
) -> None:
    made = client.post(
        "/repos/ops/billing-a/keys", title="reader", key=public_line(key), read_only=True
    )
    refs = ["main"] if command[0] == "push" else []
    done, words = ssh(forge, key, *command, forge.ssh_url("billing-a"), *refs, work=work)
    assert done is well
    refusal = f"Deploy Key: {made['id']}:reader is not authorized to write to ops/billing-a."
    assert well or f"Forgejo: {refusal}" in words


def test_a_key_of_another_repo_is_refused(
    forge: ForgeServer, client: Client, work: RepoWriter, key: Path
) -> None:
    made = client.post("/repos/ops/billing-b/keys", title="b", key=public_line(key))
    done, words = ssh(forge, key, "push", forge.ssh_url("billing-a"), "main", work=work)
    assert not done
    refusal = f"Public (Deploy) Key: {made['id']}:b is not authorized to write to ops/billing-a."
    assert f"Forgejo: {refusal}" in words


def test_one_key_can_open_two_repos(
    forge: ForgeServer, client: Client, work: RepoWriter, key: Path
) -> None:
    """As after a rollover: pushing to the new one, reading the old one."""
    line = public_line(key)
    client.post("/repos/ops/billing-a/keys", title="n", key=line, read_only=True)
    client.post("/repos/ops/billing-b/keys", title="n", key=line)
    assert ssh(forge, key, "ls-remote", forge.ssh_url("billing-a"))[0]
    assert ssh(forge, key, "push", forge.ssh_url("billing-b"), "main", work=work)[0]
    assert not ssh(forge, key, "push", forge.ssh_url("billing-a"), "main", work=work)[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("archive", "Forgejo: Repo: ops/billing-a is archived."),
        ("delete", "Forgejo: Cannot find repository: ops/billing-a"),
        ("rename", "Forgejo: Cannot find repository: ops/billing-a"),
    ],
)
def test_a_repo_that_cannot_be_pushed_to(
    forge: ForgeServer, client: Client, work: RepoWriter, key: Path, change: str, words: str
) -> None:
    client.post("/repos/ops/billing-a/keys", title="n", key=public_line(key))
    client.post("/repos/ops/billing-b/keys", title="n", key=public_line(key))
    url = forge.ssh_url("billing-a")
    if change == "archive":
        forge.archive("billing-a")
        assert ssh(forge, key, "ls-remote", url)[0]
    elif change == "delete":
        forge.delete("billing-a")
    else:
        forge.rename("billing-a", "billing-z")
        assert ssh(forge, key, "push", forge.ssh_url("billing-z"), "main", work=work)[0]
        work.commit({"more": b"1"})
    done, said = ssh(forge, key, "push", url, "main", work=work)
    assert (done, words in said) == (False, True), said


def test_a_protected_branch_takes_pushes_of_deploy_keys_alone(
    forge: ForgeServer, client: Client, work: RepoWriter, key: Path
) -> None:
    client.post("/repos/ops/billing-a/keys", title="n", key=public_line(key))
    protect(client, "billing-a")
    url = forge.ssh_url("billing-a")
    assert ssh(forge, key, "push", url, "main", work=work)[0]
    work.orphan({"b": b"2"})
    done, words = ssh(forge, key, "push", url, "+main", work=work)
    assert (done, "branch main is protected from force push" in words) == (False, True)
    path = "/repos/ops/billing-a/branch_protections/main"
    client.ask("PATCH", path, {"push_whitelist_deploy_keys": False})
    work.force(str(RepoWriter(forge.path("billing-a")).tip()))
    work.commit({"c": b"3"})
    done, words = ssh(forge, key, "push", url, "main", work=work)
    assert (done, "Not allowed to push to protected branch main" in words) == (False, True)


@pytest.mark.parametrize(
    "asked",
    ["../../etc/passwd", "ops/../ops/billing-a", "/tmp/billing-a", "billing-a", "ops/a/b"],  # noqa: S108 - a path that must not be reached
)
def test_no_other_path_is_reached(
    forge: ForgeServer, client: Client, key: Path, asked: str
) -> None:
    client.post("/repos/ops/billing-a/keys", title="n", key=public_line(key))
    base = forge.ssh_url("billing-a").partition("/ops/")[0]
    done, words = ssh(forge, key, "ls-remote", f"{base}/{asked}.git")
    assert not done
    assert "Forgejo: " in words


def test_a_deploy_key_does_more_than_push_a_branch(
    tmp_path: Path, work: RepoWriter, key: Path
) -> None:
    """It opens pull requests past a rule, and on Gitea makes the repo public, as an owner would."""
    with ForgeServer(tmp_path / "gitea", has_ssh=True, flavour="gitea") as forge:
        forge.create("billing-a")
        client = Client(forge)
        client.post("/repos/ops/billing-a/keys", title="n", key=public_line(key))
        protect(client, "billing-a", push_whitelist_deploy_keys=False)
        client.close()
        forge.commit("billing-a", {"a": b"1"})
        url = forge.ssh_url("billing-a")
        done, words = ssh(forge, key, "push", url, "main:refs/for/main/x", work=work)
        assert done, words
        assert "refs/pull/1/head" in forge.writer("billing-a").repo.references
        option = "--push-option=repo.private=false"
        assert ssh(forge, key, "push", option, url, "main:side", work=work)[0]
        forge.events.drain()
        assert forge.repo("billing-a").private is False
