"""A node's key can be had before its home is made, and opens its repo over ssh too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitmeter.git_remote.failures import AccessDeniedError
from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import new_home
from node_pusher.home.own_key import rotate
from node_pusher.home.repo_place import opened_alike
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.joining.rollover import rollover
from node_pusher.sending.push import push
from tests.books.program import Books
from tests.node_pusher.conftest import NODE, START, record
from tests.node_pusher.home.test_signing import git_takes, mode_of
from tests.support.programs import NodePusher
from tests.support.repos import bare_repo
from tests.support.sshd import SshServer


@pytest.fixture
def program(tmp_path: Path) -> NodePusher:
    return NodePusher(tmp_path / "home")


def test_the_key_comes_first_and_init_keeps_it(
    program: NodePusher, tmp_path: Path, remote_dir: Path
) -> None:
    line = program("show-key", "--node", NODE).out
    assert line.startswith(f'{NODE} namespaces="git" ssh-ed25519 AAAA')
    made = {path.name: path.read_bytes() for path in program.home.iterdir()}
    assert set(made) == {"allowed_signers", "push.lock", "signing_key", "signing_key.pub"}
    assert mode_of(program.home / "signing_key") == 0o600
    assert mode_of(program.home) == 0o700
    assert program("show-key", "--node", NODE).out == line
    told = program.json("init", "--node", NODE, "--remote", remote_dir.as_uri())
    assert (told["allowed_signers_line"], told["key_made"]) == (line.strip(), False)
    assert (
        made.items()
        <= {
            path.name: path.read_bytes() for path in program.home.iterdir() if path.is_file()
        }.items()
    )
    assert program("show-key").out == program("show-key", "--node", NODE).out == line
    home = read_home(program.home)
    record(home)
    assert git_takes(home, push(home, START).head or "")


def test_without_a_name_there_is_no_key_before_init(program: NodePusher) -> None:
    done = program("show-key")
    assert done.code == 1
    assert "no node lives in" in done.err
    assert not program.home.exists()


def test_a_home_has_the_key_of_its_own_node_alone(program: NodePusher, remote_dir: Path) -> None:
    program.json("init", "--node", NODE, "--remote", remote_dir.as_uri())
    done = program("show-key", "--node", "other-01")
    assert done.code == 1
    assert f"is the home of {NODE}, not of other-01" in done.err
    assert "other-01" not in (program.home / "allowed_signers").read_text()


@pytest.mark.parametrize("name", ["Embedder", "a b", "-a", ""])
def test_what_is_no_name_of_a_node_gets_no_key(program: NodePusher, name: str) -> None:
    done = program("show-key", f"--node={name}")
    assert done.code == 1
    assert "not the name of a node" in done.err
    assert not program.home.exists()


def test_a_name_that_was_mistyped_costs_nothing(program: NodePusher, remote_dir: Path) -> None:
    """The key is bound to no node before the home is."""
    mistyped = program("show-key", "--node", "embeder-01").out.split()
    line = program("show-key", "--node", NODE).out.split()
    assert (line[0], line[1:]) == (NODE, mistyped[1:])
    program.json("init", "--node", NODE, "--remote", remote_dir.as_uri())
    home = read_home(program.home)
    record(home)
    assert git_takes(home, push(home, START).head or "")


def test_books_have_their_key_first_too(tmp_path: Path, remote_dir: Path) -> None:
    books = Books(tmp_path / "books")
    line = books("show-key", "--node", "books").ok().out
    assert line.startswith('books namespaces="git" ssh-ed25519 ')
    books("init", "--remote", remote_dir.as_uri()).ok()
    assert books("show-key").ok().out == line


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "sshd") as running:
        yield running


def let_in(server: SshServer, *homes: Path) -> None:
    """Let these homes' present keys in and nobody else, as a forge does with deploy keys."""
    lines = [(home / "signing_key.pub").read_text() for home in homes]
    (server.folder / "authorized_keys").write_text("".join(lines))


def test_the_key_that_signs_opens_the_repo_over_ssh(
    program: NodePusher, server: SshServer, remote_dir: Path, tmp_path: Path
) -> None:
    """Also after a rotation: the settings name the file, and the next key lies there."""
    program("show-key", "--node", NODE)
    let_in(server, program.home)
    key = program.home / "signing_key"
    done = program(
        *("init", "--node", NODE, "--remote", server.url(remote_dir), "--ssh-key", str(key)),
        *("--known-hosts", str(server.known_hosts_file)),
    )
    assert done.code == 0, done.err
    home = read_home(program.home)
    record(home)
    assert push(home, START).retired == 1
    rotate(home.path, home.node)
    record(home)
    with pytest.raises(AccessDeniedError):
        push(home, START)
    let_in(server, program.home)
    assert push(home, START).retired == 1
    to = opened_alike(home.repo.remote, Remote(server.url(bare_repo(tmp_path / "next.git"))))
    assert rollover(home, to, START).outcome == "started"
    assert read_home(home.path).repo.remote.ssh_key_file == key


def test_a_key_that_is_a_relative_path_is_found_from_anywhere(
    tmp_path: Path, server: SshServer, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = NodePusher(tmp_path / "home")
    program("show-key", "--node", NODE)
    let_in(server, program.home)
    monkeypatch.chdir(tmp_path)
    remote = Remote(server.url(remote_dir), None, Path("home/signing_key"), server.known_hosts_file)
    init(new_home(program.home, NODE, remote), START)
    monkeypatch.chdir("/")
    home = read_home(program.home)
    record(home)
    assert push(home, START).retired == 1
