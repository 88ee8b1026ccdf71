"""What ssh says about a server's host key that it does not know: the cause, and what to do.

ssh prints the same twenty lines about an attack where known_hosts has another key of the server and
where it has only one of another type. The latter is common: the ssh server that is part of a forge
has RSA keys alone, and `ssh-keyscan -t ed25519` asks for no such key.
"""

import re
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from gitmeter.support.terminal import pasted

_UNKNOWN: Final = re.compile(r"No (\S+) host key is known for \S+ and you have requested strict")
_SHOWN: Final = re.compile(
    r"The fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)"
)
_LISTED: Final = re.compile(r"(?m)Offending (\S+) key in (.+:\d+)\s*$")
_NOT_USED: Final = re.compile(r"no matching host key type found\. Their offer: (\S+)")
_REFUSED: Final = re.compile(r"Host key verification failed")


class HostKeyTrouble(NamedTuple):
    """Why ssh does not take a server for the one that is meant.

    Attributes:
        says: the cause.
        hint: what to do.
    """

    says: str
    hint: str


def host_key_trouble(url: str, words: str) -> HostKeyTrouble | None:
    """The trouble with the host key of the server at `url`; None if ssh names no such.

    Args:
        url: the address of a remote.
        words: what git and ssh wrote to standard error.
    """
    if unused := _NOT_USED.search(words):
        return HostKeyTrouble(
            f"ssh on this machine uses none of the server's host keys: {unused[1]}",
            "have the server updated: `ssh-rsa` alone means RSA with SHA-1, which is too weak",
        )
    if _REFUSED.search(words) is None:
        return None
    shown, listed = _SHOWN.search(words), _LISTED.search(words)
    look = (
        f"`{keyscan_command(url)}` shows all its host keys: compare them with what its operator"
        " publishes, then put these lines into the known_hosts file"
    )
    if shown is None or listed is None:
        unknown = _UNKNOWN.search(words)
        what = f", which shows an {unknown[1]} key" if unknown else ""
        return HostKeyTrouble(f"known_hosts has no host key of this server{what}", look)
    in_place = f"{look} in place of {listed[2]}"
    if shown[1] == listed[1]:
        return HostKeyTrouble(
            f"the server shows another {shown[1]} host key ({shown[2]}) than known_hosts has for it"
            f" ({listed[2]}): it was set up anew, or another server answers in its place",
            in_place,
        )
    return HostKeyTrouble(
        f"the server shows an {shown[1]} host key ({shown[2]}), and known_hosts has only an"
        f" {listed[1]} key for it ({listed[2]})",
        in_place,
    )


def keyscan_command(url: str) -> str:
    """The command that shows the host keys of a server, whatever their type.

    Args:
        url: the address of a remote over ssh: `ssh://` or `user@host:path`.
    """
    if "://" not in url:
        return pasted("ssh-keyscan", url.rpartition("@")[2].partition(":")[0])
    parts = urlsplit(url)
    port = [] if parts.port is None else ["-p", str(parts.port)]
    return pasted("ssh-keyscan", *port, parts.hostname or "HOST")
