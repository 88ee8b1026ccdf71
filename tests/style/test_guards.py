"""The guards of `tests/conftest.py` hold."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ConfigLevel

from tests.conftest import NetworkGuardError


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 443)])
def test_a_connection_beyond_this_machine_is_refused(address: tuple[str, int]) -> None:
    with socket.socket() as client:
        with pytest.raises(NetworkGuardError, match="loopback only"):
            client.connect(address)
        with pytest.raises(NetworkGuardError, match="loopback only"):
            client.connect_ex(address)


def test_ipv6_beyond_this_machine_is_refused() -> None:
    with (
        socket.socket(socket.AF_INET6) as client,
        pytest.raises(NetworkGuardError, match="loopback only"),
    ):
        client.connect(("2001:db8::1", 80, 0, 0))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_a_unix_socket_is_open(tmp_path: Path) -> None:
    path = os.path.relpath(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(path)
        server.listen()
        client.connect(path)


def test_child_processes_do_not_reach_beyond_this_machine() -> None:
    result = subprocess.run(
        ["git", "ls-remote", "http://192.0.2.1/repo.git"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "127.0.0.1" in result.stderr


def test_home_and_git_configuration_are_not_the_real_ones(tmp_path: Path) -> None:
    assert Path.home().is_relative_to(tmp_path.parent)
    assert Path.home().joinpath(".gitconfig").exists() is False
    listed = subprocess.run(
        ["git", "config", "--list", "--show-origin"], capture_output=True, check=True
    )
    assert listed.stdout == b""
    for level in (ConfigLevel.GLOBAL, ConfigLevel.XDG, ConfigLevel.SYSTEM):
        # "" once the product looked at a remote: it shuts them off too
        assert pygit2.settings.search_path[level] in {str(Path.home()), ""}


def test_no_author_comes_from_the_environment() -> None:
    assert not [name for name in os.environ if name.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))]


def test_the_working_directory_is_the_tests_own(tmp_path: Path) -> None:
    assert Path.cwd() == tmp_path


def test_local_time_is_not_utc_nor_a_whole_hour_from_it() -> None:
    offset = datetime.now(UTC).astimezone().utcoffset()
    assert offset is not None
    assert offset % timedelta(hours=1) == timedelta(minutes=45)


def test_programs_that_tests_start_find_what_they_import_compiled() -> None:
    """Whatever the environment of the tests says: most of a start is compiling otherwise."""
    script = "import sys, wire_format; print(sys.dont_write_bytecode, wire_format.__cached__)"
    forbids, _, cached = (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        .stdout.strip()
        .partition(" ")
    )
    assert forbids == "False"
    assert Path(cached).is_file()
