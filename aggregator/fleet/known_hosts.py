"""The known_hosts files (sshd(8)) that the configuration names, and which keys they lack.

ssh takes a server for the one that is meant only if such a file has a key of its host and port. The
ssh server within a forge has RSA keys alone, so a file made by `ssh-keyscan -t ed25519` is empty.
"""

import hmac
import ipaddress
import os
import re
import shlex
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from aggregator.config.repos import RemoteConfig
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.node_keys import FleetError
from gitmeter.git_remote.host_keys import keyscan_command
from gitmeter.git_remote.remote import Transport
from gitmeter.signing.patterns import matches_list
from gitmeter.support.errors import with_hint

_PORT: Final = 22
_HASHED: Final = "|1|"
_REVOKED: Final = "@revoked"
_WORDS_MIN: Final = 3
"""A line has at least names, the type of the key, and the key; a marker comes before them."""

_LENGTH_BYTES: Final = 4
_NAMES_SHOWN_MAX: Final = 3
_BRACKETED: Final = re.compile(r"\[(.+)\]:[0-9*?]+")
_OF_SERVICE: Final = Path("/run/credentials")
_COMPARE: Final = (
    "compare them with what the server's operator publishes, and put them into that file"
)


class _Line(NamedTuple):
    """A line of a known_hosts file: its marker (`@revoked`), its words, and all of it."""

    marker: str
    names: str
    kind: str
    key: str
    text: str

    @property
    def has_key(self) -> bool:
        """Whether its key is one that ssh can read, and is not revoked."""
        try:
            data = b64decode(self.key, validate=True)
        except ValueError:
            return False
        is_whole = data[_LENGTH_BYTES:].startswith(self.kind.encode())
        return is_whole and self.marker != _REVOKED


def forge_known_hosts(forge: ForgeConfig, file: Path) -> str:
    """The text of the known_hosts file of `[forge]`, which may have a key of the forge.

    Only the address of the forge's web pages is known before it has listed a repo. Its ssh server
    has that name or another one of the same domain, and any port.

    Args:
        forge: the forge.
        file: its known_hosts file.

    Raises:
        FleetError: the file cannot be read, or no line has a key that may be that of the forge.
    """
    host = urlsplit(forge.url).hostname or ""
    command = shlex.join(("ssh-keyscan", host))
    hint = (
        f"`{command}` shows all keys of the forge, with `-p PORT` where its ssh server does not"
        f" listen on {_PORT}: {_COMPARE}"
    )
    text = _read(file, hint)
    lines = [line for line in _lines(text) if line.has_key]
    if any(_may_be_of(line.names, host) for line in lines):
        return text
    if not lines:
        raise FleetError(f"[forge] known_hosts_file: there is no key in {file}", hint=hint)
    names = ", ".join(line.names for line in lines[:_NAMES_SHOWN_MAX])
    raise FleetError(
        f"[forge] known_hosts_file: {file} has keys of {names}, and none of {host}",
        hint=f"{hint}; if its ssh server has a name of another domain, put `{host},` before that"
        " name in the line",
    )


def host_keys(text: str, ssh_url: str) -> tuple[str, ...]:
    """The lines of a known_hosts file that are about the server of an address, for a node.

    Raises:
        FleetError: none has a key of it.
    """
    host = _host(ssh_url)
    found = tuple(line for line in _lines(text) if _is_about(line, host))
    if not any(line.has_key for line in found):
        raise FleetError(
            f"[forge] known_hosts_file has no key of {host}",
            hint=f"`{keyscan_command(ssh_url)}` shows all of them: {_COMPARE}; then run this again",
        )
    return tuple(line.text for line in found)


def known_hosts_faults(config: Config) -> tuple[str, ...]:
    """What is wrong with the known_hosts files of a configuration, a sentence each.

    Nothing is known of a file that only the service can read (see `is_kept_for_service`).
    """
    return tuple(_faults(config))


def is_kept_for_service(file: Path) -> bool:
    """Whether systemd provides a file to the service alone, so that it cannot be read here."""
    return file.is_relative_to(_OF_SERVICE) and not os.access(file, os.R_OK)


def _faults(config: Config) -> Iterator[str]:
    forge = config.forge
    file = None if forge is None else forge.known_hosts_file
    if forge is not None and file is not None and not is_kept_for_service(file):
        try:
            forge_known_hosts(forge, file)
        except FleetError as error:
            yield with_hint(error)
    remotes: list[tuple[str, RemoteConfig]] = [(f"repo {r.name}", r) for r in config.repo]
    if config.copy_remote is not None:
        remotes.append(("copy", config.copy_remote))
    for name, remote in remotes:
        try:
            _check_remote(remote)
        except FleetError as error:
            yield f"{name} known_hosts_file: {with_hint(error)}"


def _check_remote(config: RemoteConfig) -> None:
    """Check that the known_hosts file of a remote over ssh, if it states one, has a key of it.

    Raises:
        FleetError: it cannot be read, or has none.
    """
    file = config.known_hosts_file
    if file is None or config.remote.transport != Transport.SSH or is_kept_for_service(file):
        return
    hint = f"`{keyscan_command(config.url)}` shows all keys of the server: {_COMPARE}"
    lines = [line for line in _lines(_read(file, hint)) if line.has_key]
    host = _host(config.url)
    bare = _BRACKETED.sub(r"\1", host)  # ssh takes a key without a port for any port
    if not any(_is_about(line, host) or _is_about(line, bare) for line in lines):
        raise FleetError(f"{file} has no key of {host}", hint=hint)


def _read(file: Path, hint: str) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise FleetError(f"{file} cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise FleetError(f"{file} is not text", hint=hint) from error


def _lines(text: str) -> Iterator[_Line]:
    for line in map(str.strip, text.splitlines()):
        words = line.split()
        marker = words.pop(0) if line.startswith("@") else ""
        if len(words) >= _WORDS_MIN and not line.startswith("#"):
            names, kind, key = words[:_WORDS_MIN]
            yield _Line(marker, names, kind, key, line)


def _is_about(line: _Line, host: str) -> bool:
    if not line.names.startswith(_HASHED):
        return matches_list(host, line.names)
    try:
        key, wanted = map(b64decode, line.names.removeprefix(_HASHED).split("|"))
    except ValueError:  # not two parts, or not base64
        return False
    return hmac.digest(key, host.encode(), "sha1") == wanted


def _may_be_of(names: str, host: str) -> bool:
    """Whether names of a line may mean a server beside the web pages at `host`."""
    domain = _domain(host)
    if domain is None or names.startswith(_HASHED):
        return True
    listed = [_BRACKETED.sub(r"\1", name) for name in names.split(",") if name[:1] != "!"]
    return any(matches_list(host, name) or _domain(name) in {None, domain} for name in listed)


def _domain(host: str) -> str | None:
    """The last two labels of a name; None for what is no name of a domain, as an address is."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        return ".".join(labels[-2:]) if len(labels) > 1 else None
    return None


def _host(ssh_url: str) -> str:
    """A host as known_hosts names it: `[host]:port`, unless the port is ssh's default."""
    if "://" not in ssh_url:
        return ssh_url.partition(":")[0].rpartition("@")[2]
    parts = urlsplit(ssh_url)
    host = parts.hostname or ""
    return host if parts.port in {None, _PORT} else f"[{host}]:{parts.port}"
