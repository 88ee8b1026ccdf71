"""A node whose repo was renamed, or whose forge moved: what it says is followed, and it pushes.

Over real http and ssh, with tokens, deploy keys and host keys.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from gitmeter.git_remote.failures import RepoGoneError
from gitmeter.git_remote.remote import Remote
from gitmeter.signing.signing_key import load_signing_key
from gitmeter.support.errors import ExitCode
from node_pusher.doctor.examine import examine
from node_pusher.doctor.findings import Severity
from node_pusher.home.home import Home, new_home
from node_pusher.home.layout import make_folder
from node_pusher.home.own_key import ensure_key
from node_pusher.joining.init import init
from node_pusher.sending.push import push
from tests.forge_support.calling import Client, protect
from tests.node_pusher.conftest import NODE, START, record
from tests.node_pusher.joining.test_rollover import now_home, seqs_in
from tests.support.files import write_secret
from tests.support.forge import ForgeServer
from tests.support.programs import NodePusher, Said

REPO = f"billing-{NODE}"
OTHER = f"metering-{NODE}"


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[ForgeServer]:
    with ForgeServer(tmp_path / "forge", has_ssh=True) as running:
        running.create(REPO)
        yield running


@pytest.fixture
def token_file(tmp_path: Path, forge: ForgeServer) -> Path:
    return write_secret(tmp_path / "token", forge.write_token)


@pytest.fixture(params=["http", "ssh"])
def home(
    request: pytest.FixtureRequest, tmp_path: Path, forge: ForgeServer, token_file: Path
) -> Home:
    """A home on the forge that has pushed two records."""
    folder = tmp_path / "home"
    make_folder(folder)
    ensure_key(folder, NODE)
    let_in(forge, folder)
    assert forge.ssh is not None
    remote = (
        Remote(forge.clone_url(REPO), token_file=token_file)
        if request.param == "http"
        else Remote(
            forge.ssh_url(REPO),
            ssh_key_file=folder / "signing_key",
            known_hosts_file=forge.ssh.known_hosts_file,
        )
    )
    made = new_home(folder, NODE, remote)
    init(made, START)
    record(made, 2)
    push(made, START)
    return made


def is_http(home: Home) -> bool:
    return home.repo.remote.url.startswith("http")


def let_in(forge: ForgeServer, folder: Path, repo: str = REPO) -> None:
    """Protect a repo and give it the key of a home, as `aggregator node add` does."""
    client = Client(forge)
    line = load_signing_key(folder / "signing_key").public.line
    client.post(f"/repos/ops/{repo}/keys", title=NODE, key=line, read_only=False)
    protect(client, repo, push_whitelist_usernames=["writer"])
    client.close()


def set_remote_in(hint: str) -> list[str]:
    """The words of the command that a hint names, after `node-pusher`."""
    (command,) = re.findall(r"node-pusher (--home \S+ set-remote \S+)", hint)
    return shlex.split(command)


def run(home: Home, words: list[str], *more: str) -> Said:
    assert words[:3] == ["--home", str(home.path), "set-remote"]
    return NodePusher(home.path)(*words[2:], *more)


def test_after_a_rename_the_error_and_the_doctor_name_the_command_that_helps(
    home: Home, forge: ForgeServer
) -> None:
    """Over https the forge says which name is new; over ssh it says nothing, and the node asks."""
    forge.rename(REPO, OTHER)
    record(home, 3)
    with pytest.raises(RepoGoneError, match="nothing is lost: 1 commit waits here") as raised:
        push(home, START)
    found = {finding.check: finding for finding in examine(home.path, "usage", START)}
    for hint in (raised.value.hint, found["remote"].do):
        assert "moved" in hint
        assert ("renamed, moved or deleted" in hint) != is_http(home)
        assert set_remote_in(hint)[-1] == (forge.clone_url(OTHER) if is_http(home) else "URL")
    assert found["write"].health is Severity.PROBLEM
    assert "set-remote URL" in found["write"].do
    with pytest.raises(RepoGoneError) as raised:
        init(home, START, rejoin=True)
    assert "moved" in raised.value.hint
    url = forge.clone_url(OTHER) if is_http(home) else forge.ssh_url(OTHER)
    said = run(home, [*set_remote_in(found["push"].do)[:-1], url]).ok()
    assert said.out.startswith(f"{NODE}: pushes to {url}; it is at ")
    found = {finding.check: finding for finding in examine(home.path, "usage", START)}
    assert found["push"].health is Severity.OK
    assert push(now_home(home), START).retired == 3
    assert seqs_in(forge.path(OTHER)) == [1, 2, 3, 4, 5]


def test_a_repo_that_was_deleted_has_the_same_error_and_refuses_to_be_followed(
    home: Home, forge: ForgeServer
) -> None:
    forge.create("billing-next")  # a forge forgets a deploy key with the last repo of it
    let_in(forge, home.path, "billing-next")
    forge.delete(REPO)
    record(home, 1)
    with pytest.raises(RepoGoneError) as raised:
        push(home, START)
    assert "renamed, moved or deleted" in raised.value.hint
    said = run(home, [*set_remote_in(raised.value.hint)[:-1], home.repo.remote.url])
    assert said.code == ExitCode.FAILED
    assert "this home keeps the address that it has" in said.err


@pytest.fixture
def new_forge(tmp_path: Path, forge: ForgeServer, home: Home) -> Iterator[ForgeServer]:
    """Another forge with the same repo, as after a migration; at the first one it is gone."""
    with ForgeServer(tmp_path / "new-forge", has_ssh=True) as running:
        running.create(REPO)
        for part in ("objects", "refs"):
            there, here = running.path(REPO) / part, forge.path(REPO) / part
            shutil.copytree(here, there, dirs_exist_ok=True)
        running.touch(REPO)
        let_in(running, home.path)
        shutil.rmtree(forge.path(REPO))
        yield running


def place_on(forge: ForgeServer, home: Home, folder: Path) -> tuple[str, tuple[str, str]]:
    """The address of the repo on another forge, and the option that opens it."""
    if is_http(home):
        file = write_secret(folder / "other-token", forge.write_token)
        return forge.clone_url(REPO), ("--token-file", str(file))
    assert forge.ssh is not None
    return forge.ssh_url(REPO), ("--known-hosts", str(forge.ssh.known_hosts_file))


def test_a_node_follows_its_forge_to_another_address(
    home: Home, new_forge: ForgeServer, tmp_path: Path
) -> None:
    """A new server has a new host key, and gets no token that was given for another one."""
    assert new_forge.ssh is not None
    record(home, 3)
    program, before = NodePusher(home.path), home.repo.remote
    url, option = place_on(new_forge, home, tmp_path)
    refused = program("set-remote", url)
    assert refused.code == ExitCode.FAILED
    asked_for = f"ssh-keyscan -p {new_forge.ssh.port} 127.0.0.1"
    assert ("check the token or key" if is_http(home) else asked_for) in refused.err
    assert now_home(home).repo.remote == before
    assert program.json("set-remote", url, *option)["outcome"] == "set"
    assert now_home(home).repo.remote.ssh_key_file == before.ssh_key_file
    assert push(now_home(home), START).retired == 3
    assert seqs_in(new_forge.path(REPO)) == [1, 2, 3, 4, 5]
    found = {finding.check: finding for finding in examine(home.path, "usage", START)}
    assert {found[check].health for check in ("remote", "write")} == {Severity.OK}


def test_a_node_follows_a_forge_that_was_restored_from_an_older_backup(
    home: Home, new_forge: ForgeServer, tmp_path: Path
) -> None:
    """What the backup lacks is sent again, past a rule that takes no forced push."""
    writer = new_forge.writer(REPO)
    tip = writer.repo[writer.tip() or ""].peel(pygit2.Commit)
    writer.force(str(tip.parent_ids[0]))
    url, option = place_on(new_forge, home, tmp_path)
    said = NodePusher(home.path)("set-remote", url, *option).ok()
    assert "lacks 1 commit that had been pushed, which the next push sends again" in said.out
    assert push(now_home(home), START).pushed == 1
    assert writer.tip() == str(tip.id)


def test_the_repo_of_another_node_on_the_forge_is_not_taken(home: Home, forge: ForgeServer) -> None:
    """A mistyped name must not mix two nodes, whose numbers begin alike."""
    forge.create("billing-other-01")
    let_in(forge, home.path, "billing-other-01")
    url = home.repo.remote.url.replace(REPO, "billing-other-01")
    other = new_home(home.path.parent / "other", "other-01", replace(home.repo.remote, url=url))
    init(other, START)
    said = NodePusher(home.path)("set-remote", url)
    assert said.code == ExitCode.FAILED
    assert f"is the repo of other-01, not of {NODE}" in said.err
    assert now_home(home).repo.remote == home.repo.remote
