"""The one command to run on a node. Pure."""

import shlex
from pathlib import Path, PurePosixPath

from aggregator.fleet.node_keys import FleetError
from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.git_remote.remote import Remote, Transport
from gitmeter.roles.role import PROGRAMS


def init_command(
    node: str, role: str, ssh_url: str, home: PurePosixPath, known_hosts: tuple[str, ...]
) -> str:
    """The command that makes a machine the node, once `show-key` has made its key there.

    Args:
        node: the node's name.
        role: what it pushes; not the books, which have a command of their own.
        ssh_url: the ssh address of its repo.
        home: the node's home, on the node.
        known_hosts: lines with the forge's own keys; empty if the node knows them already.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    words = [
        *(PROGRAMS[role], "--home", str(home), "init", "--node", node),
        *("--remote", _checked(ssh_url), "--ssh-key", str(home / "signing_key")),
    ]
    if not known_hosts:
        return shlex.join(words)
    file = str(home / "known_hosts")
    lines = shlex.join(("printf", r"%s\n", *known_hosts))
    return f"{lines} > {shlex.quote(file)} && {shlex.join([*words, '--known-hosts', file])}"


def set_remote_command(role: str, ssh_url: str, home: PurePosixPath) -> str:
    """The command by which a node goes on at another address of its repo.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    return shlex.join((PROGRAMS[role], "--home", str(home), "set-remote", _checked(ssh_url)))


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


def rollover_command(role: str, ssh_url: str, home: PurePosixPath) -> str:
    """The command by which a node continues in its next repo, with its present credentials.

    Raises:
        FleetError: the forge gives no address for ssh.
    """
    return shlex.join(
        (PROGRAMS[role], "--home", str(home), "rollover", "--remote", _checked(ssh_url))
    )


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
