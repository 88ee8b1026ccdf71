"""The test sshd lets its own key in, and clients can tell it from an impostor."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repos import RepoWriter, bare_repo
from tests.support.sshd import SshServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def git(ssh_command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "GIT_SSH_COMMAND": ssh_command},
    )


def test_git_pushes_over_ssh_and_hooks_run(server: SshServer, tmp_path: Path) -> None:
    """The real receive-pack on the other end, with the repo's own rules."""
    writer = RepoWriter(tmp_path / "work.git")
    writer.commit({"a": b"1"})
    target = bare_repo(tmp_path / "node.git")
    command, url = server.git_ssh_command(), server.url(target)
    pushed = git(command, "-C", str(writer.path), "push", url, "main")
    assert pushed.returncode == 0, pushed.stderr
    assert RepoWriter(target).tip() == writer.tip()
    writer.orphan({"b": b"2"})
    forced = git(command, "-C", str(writer.path), "push", "--force", url, "main")
    assert forced.returncode != 0
    assert "non-fast-forward" in forced.stderr


def test_an_impostor_is_recognised(server: SshServer, tmp_path: Path) -> None:
    """The negative known_hosts files make a careful client refuse."""
    url = server.url(bare_repo(tmp_path / "node.git"))
    for known_hosts in (server.wrong_known_hosts_file, server.empty_known_hosts_file):
        refused = git(server.git_ssh_command(known_hosts), "ls-remote", url)
        assert refused.returncode != 0
        assert "Host key verification failed" in refused.stderr


def test_a_stranger_is_not_let_in(server: SshServer, tmp_path: Path) -> None:
    url = server.url(bare_repo(tmp_path / "node.git"))
    command = server.git_ssh_command().replace(str(server.key_file), str(server.stranger_key_file))
    assert "Permission denied" in git(command, "ls-remote", url).stderr


def test_a_server_that_moved_answers_at_its_new_address_alone(tmp_path: Path) -> None:
    with SshServer(tmp_path / "sshd") as moving:
        repo = bare_repo(tmp_path / "node.git")
        before = moving.url(repo)
        moving.move()
        command = moving.git_ssh_command()
        assert git(command, "ls-remote", moving.url(repo)).returncode == 0
        assert "refused" in git(command, "ls-remote", before).stderr
