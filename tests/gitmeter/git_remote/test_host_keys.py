"""Where ssh does not know a server, the error says why, and what to put into known_hosts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from gitmeter.git_remote.branch import BranchStatus, read_branch
from gitmeter.git_remote.failures import AccessDeniedError, failure
from gitmeter.git_remote.host_keys import host_key_trouble
from gitmeter.git_remote.remote import Remote
from tests.support.repos import bare_repo
from tests.support.sshd import SshServer

TIMEOUT_S = 20
UNKNOWN = "Host key verification failed.\nfatal: Could not read from remote repository."


@pytest.fixture(params=["ed25519", "rsa"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "sshd", host_key=request.param) as running:
        yield running


def said(server: SshServer, repo: Path, known_hosts: Path) -> AccessDeniedError:
    """The error of a probe with this known_hosts file."""
    remote = Remote(server.url(repo), None, server.key_file, known_hosts)
    with pytest.raises(AccessDeniedError) as raised:
        read_branch(remote, "main", TIMEOUT_S)
    assert type(raised.value) is AccessDeniedError
    assert f"`ssh-keyscan -p {server.port} 127.0.0.1`" in raised.value.hint
    assert "NASTY" not in str(raised.value)
    return raised.value


def test_a_server_with_either_type_of_key_is_reached(server: SshServer, tmp_path: Path) -> None:
    remote = server.remote(bare_repo(tmp_path / "node.git"))
    assert read_branch(remote, "main", TIMEOUT_S).status is BranchStatus.EMPTY


def test_known_hosts_without_the_server_says_which_type_it_shows(
    server: SshServer, tmp_path: Path
) -> None:
    repo, shown = bare_repo(tmp_path / "node.git"), kind_of(server.known_hosts_file)
    for known_hosts in (server.empty_known_hosts_file, tmp_path / "missing"):
        error = said(server, repo, known_hosts)
        assert f"no host key of this server, which shows an {shown} key" in str(error)


def test_another_key_of_the_same_type_is_another_server_or_a_new_one(
    server: SshServer, tmp_path: Path
) -> None:
    repo, shown = bare_repo(tmp_path / "node.git"), kind_of(server.known_hosts_file)
    known_hosts = written(tmp_path, server, "ed25519" if shown == "ED25519" else "rsa")
    error = said(server, repo, known_hosts)
    assert f"shows another {shown} host key (SHA256:" in str(error)
    assert f"({known_hosts}:2): it was set up anew, or another server answers" in str(error)
    assert error.hint.endswith(f"in place of {known_hosts}:2")


def test_a_key_of_another_type_alone_is_no_attack(server: SshServer, tmp_path: Path) -> None:
    """As after `ssh-keyscan -t ed25519`, at a forge whose ssh server has RSA keys alone."""
    repo, shown = bare_repo(tmp_path / "node.git"), kind_of(server.known_hosts_file)
    known_hosts = written(tmp_path, server, "rsa" if shown == "ED25519" else "ed25519")
    error = said(server, repo, known_hosts)
    listed = "RSA" if shown == "ED25519" else "ED25519"
    assert f"shows an {shown} host key (SHA256:" in str(error)
    assert f"known_hosts has only an {listed} key for it ({known_hosts}:2)" in str(error)


def test_a_server_that_signs_by_sha1_alone_has_to_be_updated(tmp_path: Path) -> None:
    with OldServer(tmp_path / "sshd", host_key="rsa") as server:
        remote = server.remote(bare_repo(tmp_path / "node.git"))
        with pytest.raises(AccessDeniedError, match="none of the server's host keys: ssh-rsa") as e:
            read_branch(remote, "main", TIMEOUT_S)
        assert "RSA with SHA-1" in e.value.hint


class OldServer(SshServer):
    """An ssh server that knows no better signatures than those of 2016."""

    def _config(self) -> str:
        return f"{super()._config()}HostKeyAlgorithms ssh-rsa\n"


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("ssh://git@forge.example:2222/ops/x.git", "ssh-keyscan -p 2222 forge.example"),
        ("ssh://forge.example/ops/x.git", "ssh-keyscan forge.example"),
        ("git@forge.example:ops/x.git", "ssh-keyscan forge.example"),
        ("ssh://git@[::1]:2222/ops/x.git", "ssh-keyscan -p 2222 ::1"),
    ],
)
def test_the_command_names_host_and_port_of_the_address(url: str, command: str) -> None:
    assert f"`{command}`" in failure(url, UNKNOWN).hint


def test_other_troubles_are_none_of_a_host_key() -> None:
    assert (
        host_key_trouble("ssh://git@forge.example/x.git", "Permission denied (publickey)") is None
    )


def kind_of(known_hosts: Path) -> str:
    """The type of the only key in a file, as ssh names it."""
    return {"ssh-rsa": "RSA", "ssh-ed25519": "ED25519"}[known_hosts.read_text().split()[1]]


def written(folder: Path, server: SshServer, kind: Literal["ed25519", "rsa"]) -> Path:
    """A file with a key of this type for the server's address that is not the server's."""
    key = server.rsa_key_file if kind == "rsa" else server.stranger_key_file
    line = " ".join(key.with_suffix(".pub").read_text().split()[:2])
    file = folder / "known hosts"
    file.write_text(f"# written by hand\n[127.0.0.1]:{server.port} {line}\n")
    return file
