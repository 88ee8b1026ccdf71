"""A remote repo: allowed addresses, and the credentials for it.

A token never appears in an address or on a command line; it is read from its file when needed.
Remotes over ssh are left to the git program alone, probes included: libgit2 compares host keys
only with `~/.ssh/known_hosts`, cannot be given another file, and crashes on some RSA keys, whereas
OpenSSH gets all of this right and costs 0.1 s more.
"""

import base64
import ipaddress
import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.runner import PROTOCOLS, config_environment
from gitmeter.http_edge.authorities import AuthoritiesError, ca_file
from gitmeter.http_edge.word_file import WordFileError, read_word

_SCP_LIKE: Final = re.compile(
    r"[A-Za-z0-9._~][A-Za-z0-9._~-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:/-][^:]*"
)
_PRINTABLE: Final = re.compile(r"[!-~]+")
_NETLOC: Final = re.compile(
    r"([A-Za-z0-9._~-]+@)?([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?"
)
"""User, host or address in brackets, port: matched in full, since `urlsplit` ignores the rest."""
_ALLOWED: Final = "use https://, ssh:// (or git@host:path) or file:///absolute/path"
_CONNECT_TIMEOUT_S: Final = 15
_LOW_SPEED_BYTES_PER_S: Final = 500
_LOW_SPEED_TIME_S: Final = 60
_TOKEN_USER: Final = "git"  # noqa: S105 - forges ignore the name that comes with a token


class Transport(StrEnum):
    """The protocol of a remote."""

    FILE = "file"
    HTTP = "http"
    HTTPS = "https"
    SSH = "ssh"


@dataclass(frozen=True)
class Remote:
    """The address of a repo and the credentials for it.

    Attributes:
        url: `https://`, `ssh://`, `git@host:path`, `file:///`, or `http://` on this machine.
        token_file: holds a forge's access token; for `https://`.
        ssh_key_file: private key, for ssh; without it, whatever ssh finds by itself.
        known_hosts_file: keys of trusted servers; without it, `~/.ssh/known_hosts`.

    Raises:
        RemoteConfigError: the address is not allowed, or a file does not fit its protocol.
    """

    url: str
    token_file: Path | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None

    def __post_init__(self) -> None:
        transport = _transport(self.url)
        if self.token_file is not None and transport not in {Transport.HTTP, Transport.HTTPS}:
            raise RemoteConfigError("a token file is of use only with https://")
        if transport is not Transport.SSH and (self.ssh_key_file or self.known_hosts_file):
            raise RemoteConfigError("an ssh key and a known_hosts file are of use only with ssh")
        for path in (self.ssh_key_file, self.known_hosts_file):
            if path is not None and re.search(r'["%\n\\]', str(path)):
                raise RemoteConfigError(f"ssh cannot be given a path with such characters: {path}")

    @property
    def transport(self) -> Transport:
        """The protocol of this remote."""
        return _transport(self.url)


def environment(remote: Remote) -> dict[str, str]:
    """Variables that give the git program access to `remote` and to nothing else.

    Raises:
        RemoteConfigError: the token file or the file of authorities cannot be used.
    """
    settings = {
        "http.followRedirects": "false",  # a redirect would carry the token to another server
        "http.sslVerify": "true",
        "http.lowSpeedLimit": str(_LOW_SPEED_BYTES_PER_S),
        "http.lowSpeedTime": str(_LOW_SPEED_TIME_S),
        "core.askPass": "",
        "credential.helper": "",
    }
    try:
        authorities = ca_file()
    except AuthoritiesError as error:
        raise RemoteConfigError(str(error)) from error
    if authorities is not None:
        settings["http.sslCAInfo"] = authorities
    if (proof := authorization(remote)) is not None:
        settings[f"http.{remote.url}.extraHeader"] = f"Authorization: {proof}"
    variables = config_environment(settings) | {"GIT_SSH_COMMAND": _ssh_command(remote)}
    if remote.transport is Transport.HTTP:
        variables["GIT_ALLOW_PROTOCOL"] = f"{PROTOCOLS}:http"
    return variables


def authorization(remote: Remote) -> str | None:
    """The value of an `Authorization` header for `remote`; None without a token.

    Raises:
        RemoteConfigError: the token file cannot be used.
    """
    token = read_token(remote)
    if token is None:
        return None
    return "Basic " + base64.b64encode(f"{_TOKEN_USER}:{token}".encode()).decode()


def read_token(remote: Remote) -> str | None:
    """The token of a remote, or None when it has no token file.

    Raises:
        RemoteConfigError: the file is missing, empty, not one token, or readable by all users.
    """
    if remote.token_file is None:
        return None
    try:
        return read_word(remote.token_file, "token")
    except WordFileError as error:
        raise RemoteConfigError(str(error), hint=error.hint) from error


def _ssh_command(remote: Remote) -> str:
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "ConnectTimeout": str(_CONNECT_TIMEOUT_S),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "3",
    }
    if remote.known_hosts_file is not None:
        options["UserKnownHostsFile"] = f'"{remote.known_hosts_file.absolute()}"'
        options["GlobalKnownHostsFile"] = "none"
    if remote.ssh_key_file is not None:
        options["IdentityFile"] = f'"{remote.ssh_key_file.absolute()}"'
        options["IdentitiesOnly"] = "yes"
    words = ["ssh", "-F", "none"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    return shlex.join(words)


def _transport(url: str) -> Transport:
    if _PRINTABLE.fullmatch(url) is None:
        raise RemoteConfigError("the address of a remote is printable ASCII without spaces")
    if "://" not in url:
        if _SCP_LIKE.fullmatch(url):
            return Transport.SSH
        raise RemoteConfigError(f"not an address of a remote: {url}", hint=_ALLOWED)
    try:
        parts = urlsplit(url)
        host, has_secret = parts.hostname or "", parts.password is not None
        _ = parts.port  # checked by reading it
    except ValueError as error:
        raise RemoteConfigError(f"not an address of a remote: {error}", hint=_ALLOWED) from error
    if not url.startswith(f"{parts.scheme}://"):
        # git takes any other case for a helper's name, and `file:/x` for a host of that name
        raise RemoteConfigError(f"not an address of a remote: {url}", hint=_ALLOWED)
    if has_secret or (parts.username and parts.scheme != Transport.SSH):
        raise RemoteConfigError(
            "a password or token must not stand in the address of a remote",
            hint="put it into a file of mode 600 and name that as the token file",
        )
    if parts.query or parts.fragment:
        raise RemoteConfigError("the address of a remote has no ? and no #")
    return _of_parts(parts, host)


def _of_parts(parts: SplitResult, host: str) -> Transport:
    scheme = parts.scheme
    if scheme == Transport.FILE:
        if parts.netloc or not parts.path.startswith("/"):
            raise RemoteConfigError("a file address is file:///absolute/path")
        return Transport.FILE
    if scheme not in set(Transport):
        raise RemoteConfigError(f"{scheme}:// is not allowed for a remote", hint=_ALLOWED)
    user_ok = parts.username is None or not parts.username.startswith("-")
    if _NETLOC.fullmatch(parts.netloc) is None or not user_ok or parts.path in {"", "/"}:
        raise RemoteConfigError(f"the address must name a host and a path: {parts.geturl()}")
    if scheme == Transport.HTTP and not _is_loopback(host):
        raise RemoteConfigError(
            f"http:// to {host} would send the token in clear text", hint="use https://"
        )
    return Transport(scheme)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
