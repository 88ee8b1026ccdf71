"""The text of a server's address, as configurations state it. Pure."""

import re
from typing import Final

UNIX: Final = "unix:"
THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that nobody on another machine reaches."""
_ADDRESS: Final = re.compile(
    r"unix:/.+|(\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})"
)
_PORT_MAX: Final = 65_535


def is_address(text: str) -> bool:
    """Whether it is `host:port`, `[::1]:port` or `unix:/path`."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= _PORT_MAX
