"""The one command to run on a node. Pure."""

import hmac
import shlex
from base64 import b64decode
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from aggregator.fleet.node_keys import FleetError
from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote, Transport
from gitmeter.signing.patterns import matches_list

_PORT: Final = 22
_HASHED: Final = "|1|"
_WORDS_MIN: Final = 3
"""A line of known_hosts has at least names, the kind of key, and the key."""


def init_command(node: str, ssh_url: str, home: PurePosixPath, known_hosts: tuple[str, ...]) -> str:
    """The command that makes a machine the node, once `show-key` has made its key there.

    Args:
        node: the node's name.
        ssh_url: the ssh address of its repo.
        home: the node's home, on the node.
        known_hosts: lines with the forge's own keys; empty if the node knows them already.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    words = [
        *("node-pusher", "--home", str(home), "init", "--node", node),
        *("--remote", _checked(ssh_url), "--ssh-key", str(home / "signing_key")),
    ]
    if not known_hosts:
        return shlex.join(words)
    file = str(home / "known_hosts")
    lines = shlex.join(("printf", r"%s\n", *known_hosts))
    return f"{lines} > {shlex.quote(file)} && {shlex.join([*words, '--known-hosts', file])}"


def set_remote_command(ssh_url: str, home: PurePosixPath) -> str:
    """The command by which a node goes on at another address of its repo.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    return shlex.join(("node-pusher", "--home", str(home), "set-remote", _checked(ssh_url)))


def books_command(ssh_url: str, home: PurePosixPath, known_hosts_file: Path | None) -> str:
    """The command that makes a folder the home of the books.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    words = [
        *("books", "--home", str(home), "init", "--remote", _checked(ssh_url)),
        *("--ssh-key", str(home / "signing_key")),
    ]
    if known_hosts_file is not None:
        words += ["--known-hosts", str(known_hosts_file)]
    return shlex.join(words)


def rollover_command(ssh_url: str, home: PurePosixPath) -> str:
    """The command by which a node continues in its next repo, with its present credentials.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    return shlex.join(
        ("node-pusher", "--home", str(home), "rollover", "--remote", _checked(ssh_url))
    )


def host_keys(text: str, ssh_url: str) -> tuple[str, ...]:
    """The lines of a known_hosts file (sshd(8)) that are about the host of an address.

    Raises:
        FleetError: there is none.
    """
    host = _host(ssh_url)
    lines = (line.strip() for line in text.splitlines())
    found = tuple(line for line in lines if not line.startswith("#") and _is_about(line, host))
    if not found:
        raise FleetError(
            f"[forge] known_hosts_file has no key of {host}",
            hint="ssh-keyscan shows it; compare it with what the forge's operator publishes",
        )
    return found


def _is_about(line: str, host: str) -> bool:
    words = line.split()
    if len(words) < _WORDS_MIN:
        return False
    names = words[1] if words[0].startswith("@") else words[0]
    if not names.startswith(_HASHED):
        return matches_list(host, names)
    try:
        key, wanted = map(b64decode, names.removeprefix(_HASHED).split("|"))
    except ValueError:  # not two parts, or not base64
        return False
    return hmac.digest(key, host.encode(), "sha1") == wanted


def _host(ssh_url: str) -> str:
    """A host as known_hosts names it: `[host]:port`, unless the port is ssh's default."""
    if "://" not in ssh_url:
        return ssh_url.partition(":")[0].rpartition("@")[2]
    parts = urlsplit(ssh_url)
    host = parts.hostname or ""
    return host if parts.port in {None, _PORT} else f"[{host}]:{parts.port}"


def _checked(ssh_url: str) -> str:
    """Check an address that comes from the forge and will be run in a shell on the node."""
    try:
        is_ssh = Remote(ssh_url).transport == Transport.SSH
    except RemoteConfigError as error:
        raise FleetError(f"the forge's address for ssh cannot be used: {error}") from error
    if not is_ssh:
        raise FleetError(
            f"the forge gives no address for ssh, but {ssh_url}",
            hint="nodes push over ssh with their own key: enable ssh there, then run this again",
        )
    return ssh_url
