"""A node at a server that has an RSA host key alone, as the ssh server within a forge.

What `init`, `push` and `doctor` say is followed: the command that they name makes the file right.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitmeter.git_remote.failures import AccessDeniedError
from gitmeter.git_remote.remote import Remote
from node_pusher.doctor.examine import examine
from node_pusher.doctor.findings import Severity
from node_pusher.home.home import Home, new_home
from node_pusher.joining.init import init
from node_pusher.sending.push import push
from tests.node_pusher.conftest import NODE, START, record
from tests.support.sshd import SshServer

FILES = {
    "empty": "no host key of this server, which shows an RSA key",
    "ed25519 alone": "shows an RSA host key .* has only an ED25519 key",
}


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "sshd", host_key="rsa") as running:
        yield running


@pytest.fixture(params=FILES)
def known_hosts(request: pytest.FixtureRequest, tmp_path: Path, ssh: SshServer) -> Path:
    """A file that does not have what the server shows, which `FILES` says."""
    file = tmp_path / "known_hosts"
    wrong = {"empty": ssh.empty_known_hosts_file, "ed25519 alone": ssh.wrong_known_hosts_file}
    file.write_bytes(wrong[request.param].read_bytes())
    return file


@pytest.fixture
def wanted(tmp_path: Path, remote_dir: Path, ssh: SshServer, known_hosts: Path) -> Home:
    remote = Remote(ssh.url(remote_dir), None, ssh.key_file, known_hosts)
    return new_home(tmp_path / "home", NODE, remote)


def follow(hint: str, known_hosts: Path) -> None:
    """Put what the named command shows into the file, without the line that is named."""
    (command,) = re.findall("`(ssh-keyscan .*?)`", hint)
    shown = subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
    assert (f"{known_hosts}:1" in hint) == bool(known_hosts.read_text())
    known_hosts.write_text(shown)


def test_init_says_so_and_works_once_its_hint_was_followed(
    wanted: Home, known_hosts: Path, request: pytest.FixtureRequest
) -> None:
    expected = FILES[request.node.callspec.params["known_hosts"]]
    with pytest.raises(AccessDeniedError, match=expected) as raised:
        init(wanted, START)
    follow(raised.value.hint, known_hosts)
    assert init(wanted, START).outcome == "created"
    record(wanted, 3)
    assert push(wanted, START).retired == 3


def test_push_and_doctor_say_so_and_keep_the_records(
    wanted: Home, known_hosts: Path, ssh: SshServer, request: pytest.FixtureRequest
) -> None:
    expected = FILES[request.node.callspec.params["known_hosts"]]
    spoilt = known_hosts.read_bytes()
    known_hosts.write_bytes(ssh.known_hosts_file.read_bytes())
    init(wanted, START)
    record(wanted, 3)
    known_hosts.write_bytes(spoilt)
    with pytest.raises(AccessDeniedError, match=f"{expected}.*1 commit waits here"):
        push(wanted, START)
    found = {finding.check: finding for finding in examine(wanted.path, "usage", START)}
    for check in ("remote", "write"):
        assert found[check].health is Severity.PROBLEM
        assert re.search(expected, found[check].says)
    follow(found["remote"].do, known_hosts)
    assert push(wanted, START).retired == 3
    found = {finding.check: finding for finding in examine(wanted.path, "usage", START)}
    assert {found[check].health for check in ("remote", "write")} == {Severity.OK}
