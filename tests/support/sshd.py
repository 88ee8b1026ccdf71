"""A real `sshd` on a loopback port with keys of its own.

    with SshServer(tmp_path / "sshd") as server:
        url = server.url(tmp_path / "node.git")  # with server.key_file, server.known_hosts_file

It works as root and as an ordinary user, serves what that user may read and write, and takes no
other key.
"""

import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Literal, Self

from gitmeter.git_remote.remote import Remote

_START_TRIES = 5
_START_POLLS = 500
_POLL_S = 0.02
_STOP_S = 10


class SshServer:
    """Runs until the `with` block ends.

    Args:
        folder: for its keys and files.
        host_key: the type of its only host key; `rsa` as the ssh server within a forge.

    Attributes:
        key_file: the private ed25519 key that is let in.
        stranger_key_file: a private ed25519 key that is not.
        rsa_key_file: a private RSA key that is let in, by those who may use one.
        known_hosts_file: knows the server's key.
        wrong_known_hosts_file: knows another key, of type ed25519, for the same host and port.
        empty_known_hosts_file: knows nobody.
        log_file: what sshd said.
        host: the address on which it listens.
        port: the port there.
    """

    def __init__(self, folder: Path, host_key: Literal["ed25519", "rsa"] = "ed25519") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.key_file = self._write_key("client")
        self.stranger_key_file = self._write_key("stranger")
        self.rsa_key_file = self._write_key("rsa_client", "rsa")
        self._host_key_file = self._write_key("host", host_key)
        self._other_host_key_file = self._write_key("other_host")
        self.known_hosts_file = self.folder / "known_hosts"
        self.wrong_known_hosts_file = self.folder / "wrong_known_hosts"
        self.empty_known_hosts_file = self.folder / "empty_known_hosts"
        self.log_file = self.folder / "sshd.log"
        self.host, self.port = "127.0.0.1", 0
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, path: Path) -> str:
        """The `ssh://` URL of a repo on this machine."""
        return f"ssh://{_user_name()}@{self.host}:{self.port}{path.resolve()}"

    def remote(self, path: Path, key_file: Path | None = None) -> Remote:
        """A repo on this machine, reached with the key that is let in unless told."""
        key = key_file or self.key_file
        return Remote(self.url(path), ssh_key_file=key, known_hosts_file=self.known_hosts_file)

    @property
    def user_name(self) -> str:
        """Who logs in."""
        return _user_name()

    def authorize(self, lines: Iterable[str]) -> None:
        """Let in these keys and no others from the next connection on.

        Args:
            lines: as in an `authorized_keys` file.
        """
        beside = self.folder / "authorized_keys.new"
        beside.write_text("".join(f"{line.strip()}\n" for line in lines))
        beside.replace(self.folder / "authorized_keys")

    def scp_url(self, path: Path) -> str:
        """The `user@host:path` form, which cannot name a port; only for tests of its parsing."""
        return f"{_user_name()}@{self.host}:{path.resolve()}"

    def git_ssh_command(
        self, known_hosts_file: Path | None = None, *, key_file: Path | None = None
    ) -> str:
        """A `GIT_SSH_COMMAND` for the git program; the key that is let in unless told."""
        return (
            f"ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
            f" -o UserKnownHostsFile={known_hosts_file or self.known_hosts_file}"
            f" -o GlobalKnownHostsFile={os.devnull} -i {key_file or self.key_file}"
        )

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            # Where a root sshd locks its unprivileged half in; Debian's unit makes it at boot.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        keys = [Path(f"{key}.pub").read_text() for key in (self.key_file, self.rsa_key_file)]
        self.authorize(keys)
        self._listen()
        return self

    def move(self) -> None:
        """Listen at another address from now on, and no more where it did."""
        self._stop()
        self.host = "127.0.0.2"
        self._listen()

    def _listen(self) -> None:
        for _ in range(_START_TRIES):
            if self._start():
                self._write_known_hosts()
                return
        raise RuntimeError(f"sshd does not start: {self.log_file.read_text()}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def _write_key(self, name: str, kind: str = "ed25519") -> Path:
        path = self.folder / f"{name}_key"
        private, public = _key(name, kind)
        path.touch(mode=0o600)
        path.write_text(private)
        path.with_suffix(".pub").write_text(public)
        return path

    def _start(self) -> bool:
        """Try a port; another process may take it before sshd does."""
        with socket.socket() as probe:
            probe.bind((self.host, 0))
            self.port = probe.getsockname()[1]
        config = self.folder / "sshd_config"
        config.write_text(self._config())
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        pause = threading.Event()
        for _ in range(_START_POLLS):
            if self._process.poll() is not None:
                return False
            if self._answers():
                return True
            pause.wait(_POLL_S)
        self._stop()
        return False

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=_STOP_S) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=_STOP_S)

    def _write_known_hosts(self) -> None:
        for path, key in (
            (self.known_hosts_file, self._host_key_file),
            (self.wrong_known_hosts_file, self._other_host_key_file),
        ):
            kind, public = Path(f"{key}.pub").read_text().split()[:2]
            path.write_text(f"[{self.host}]:{self.port} {kind} {public}\n")
        self.empty_known_hosts_file.write_text("")

    def _config(self) -> str:
        settings = {
            "ListenAddress": f"{self.host}:{self.port}",
            "HostKey": self._host_key_file,
            "AuthorizedKeysFile": self.folder / "authorized_keys",
            "PidFile": "none",
            "UsePAM": "no",
            "StrictModes": "no",  # the folder of a test lies below a world-writable /tmp
            "PermitRootLogin": "prohibit-password",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "KexAlgorithms": "curve25519-sha256",  # the default takes 70 ms of CPU at each end
            "PermitUserRC": "no",
            "AllowTcpForwarding": "no",
            "MaxStartups": "200",  # tests that run at once must not be turned away at random
            # HOME: else bash reads the real home's .bashrc, as it does for every command over ssh
            "SetEnv": f"GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null HOME={self.folder}",
            "LogLevel": "INFO",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


@cache
def _key(name: str, kind: str) -> tuple[str, str]:
    """A private and a public key of this name, made once in a process."""
    size = ("-b", "2048") if kind == "rsa" else ()  # the default takes seconds to make
    with TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", name, "-f", str(path)],
            check=True,
        )
        return path.read_text(), path.with_suffix(".pub").read_text()


def _user_name() -> str:
    """Of the account this process runs as; `USER` may say otherwise."""
    return pwd.getpwuid(os.geteuid()).pw_name
