"""A proxy of the environment is used as git uses it, and named where it fails."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gitmeter.git_remote.branch import fetch, read_branch
from gitmeter.git_remote.failures import UnreachableError
from gitmeter.git_remote.gained import FetchLimits, fetch_gained
from gitmeter.git_remote.remote import Remote
from tests.support.git_http import GitHttpServer
from tests.support.local_http import free_port
from tests.support.repos import RepoWriter

TIMEOUT_S = 20
NAMES = ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")


class Socks(socketserver.BaseRequestHandler):
    """One connection through a SOCKS5 proxy without a password, to an IPv4 address."""

    def handle(self) -> None:
        """Greet, connect, and pass everything on."""
        asked: socket.socket = self.request
        asked.recv(asked.recv(2)[1])
        asked.sendall(b"\5\0")
        _, _, _, kind = asked.recv(4)
        assert kind == 1
        host, port = socket.inet_ntoa(asked.recv(4)), struct.unpack("!H", asked.recv(2))[0]
        with closing(socket.create_connection((host, port))) as there:
            asked.sendall(b"\5\0\0\1\0\0\0\0\0\0")
            back = threading.Thread(target=pump, args=(there, asked), daemon=True)
            back.start()
            pump(asked, there)
            back.join(TIMEOUT_S)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until it ends."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return


@pytest.fixture
def socks_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Socks) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
def test_a_socks_proxy_is_used_for_probes_too(
    tmp_path: Path, socks_port: int, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    commit = RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
    receiver = RepoWriter(tmp_path / "receiver.git")
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{socks_port}")
    with GitHttpServer(tmp_path) as server:
        remote = Remote(server.url("node.git"))
        assert read_branch(remote, "main", TIMEOUT_S).commit == commit
        limits = FetchLimits(TIMEOUT_S, TIMEOUT_S)
        found = fetch_gained(remote, receiver.path, "main", tip=commit, known=commit, limits=limits)
        assert found is None
        fetch(remote, receiver.path, "+refs/heads/main:refs/heads/main", timeout_s=TIMEOUT_S)
    assert receiver.tip() == commit


@pytest.mark.parametrize("name", ["http_proxy", "ALL_PROXY"])
def test_a_proxy_that_fails_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    dead = free_port()
    monkeypatch.setenv(name, f"http://me:secret@127.0.0.1:{dead}/")
    RepoWriter(tmp_path / "node.git").commit({"a": b"1"})
    with GitHttpServer(tmp_path) as server:
        remote = Remote(server.url("node.git"))
        with pytest.raises(UnreachableError) as raised:
            read_branch(remote, "main", TIMEOUT_S)
        assert f"through the proxy http://127.0.0.1:{dead}" in str(raised.value)
        assert "secret" not in str(raised.value)
        assert "NO_PROXY" in raised.value.hint
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        assert read_branch(remote, "main", TIMEOUT_S).commit is not None
