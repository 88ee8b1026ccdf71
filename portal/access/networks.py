"""From whose network a request comes: a /24 of IPv4, a /64 of IPv6. Pure.

A guesser has many addresses of one network. Behind a reverse proxy the client is the last address
in `X-Forwarded-For`, which that proxy added; what stands before it anybody can write.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

UNKNOWN: Final = "unknown"
_PREFIXES: Final = {4: 24, 6: 64}
_WIDE: Final = {4: 24, 6: 48}
"""What one customer of a provider may have: 65,536 networks of the narrow kind."""


def network_of(
    peer: str | None, forwarded: str, proxy: str | None, *, is_wide: bool = False
) -> str:
    """The network of a client.

    Args:
        peer: who is connected; None over a unix socket, where only the proxy of this machine is.
        forwarded: `X-Forwarded-For`, all lines of it; empty if there is none.
        proxy: the address of the proxy that is believed, if any.
        is_wide: whether all that one customer of a provider may have counts as one: a /48 of IPv6.
    """
    is_proxy = peer is None or (proxy is not None and _same(peer, proxy))
    client = forwarded.rpartition(",")[2].strip() if is_proxy else peer or ""
    address = _address(client)
    if address is None:
        return UNKNOWN
    prefixes = _WIDE if is_wide else _PREFIXES
    return str(ip_network((address, prefixes[address.version]), strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _same(one: str, other: str) -> bool:
    return _address(one) == _address(other)
