"""Which repo of a forge an address names, whatever protocol it is for (pure)."""

from collections.abc import Set as AbstractSet
from typing import Final
from urllib.parse import urlsplit

_WEB: Final = frozenset({"http", "https"})
_SSH: Final = "ssh"
_PARTS: Final = 2
"""The organisation and the name of a repo."""


def forge_path(url: str) -> str | None:
    """Return the `organisation/name` of the repo that an address names.

    Over http(s) a forge may be below a path of its web server, which is left out; over ssh there is
    no such path.

    Args:
        url: `https://`, `http://`, `ssh://`, or `git@host:organisation/name.git`.

    Returns:
        The path in lower case without `.git`, as forges compare names; None if the address has
        none, such as that of a folder.
    """
    scheme, _, path = _split(url)
    parts = path.lower().strip("/").removesuffix(".git").split("/")
    is_possible = len(parts) == _PARTS or (len(parts) > _PARTS and scheme in _WEB)
    if scheme not in {*_WEB, _SSH} or not is_possible or not all(parts):
        return None
    return "/".join(parts[-_PARTS:])


def is_at(url: str, path: str, hosts: AbstractSet[str]) -> bool:
    """Whether an address names the repo at a path of a forge.

    Args:
        url: the address.
        path: the repo, as `forge_path` states it.
        hosts: the hosts of the forge's web server; that of an ssh address is not compared, because
            it is often another.
    """
    host = web_host(url)
    return forge_path(url) == path and (host is None or host in hosts)


def web_host(url: str) -> str | None:
    """Return the host of an http(s) address in lower case, with its port; None for any other."""
    scheme, host, _ = _split(url)
    return host if scheme in _WEB else None


def _split(url: str) -> tuple[str, str, str]:
    """The protocol, the host and the path of an address; all empty if it is not one."""
    if "://" not in url:
        host, _, path = url.partition(":")
        return _SSH, host, path
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", ""
    return parts.scheme, parts.netloc.rpartition("@")[2].lower(), parts.path
