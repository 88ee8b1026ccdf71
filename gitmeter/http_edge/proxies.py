"""The proxy that the environment names for a URL, as git and curl read it.

`http_proxy`, `https_proxy`, `ALL_PROXY`, and the exceptions of `NO_PROXY`, networks such as
`10.0.0.0/8` among them.
"""

import os
from typing import Final

HINT: Final = (
    "the environment names that proxy (http_proxy, https_proxy, ALL_PROXY); NO_PROXY excepts hosts"
)


def proxy_for(url: str) -> str | None:
    """The address of the proxy for a URL, with its credentials; None for a direct connection."""
    names = {name.lower() for name in os.environ if name.lower().endswith("_proxy")}
    if not names - {"no_proxy"}:
        return None
    from requests.utils import get_environ_proxies, select_proxy

    proxy: str | None = select_proxy(url, get_environ_proxies(url))
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def is_socks(url: str) -> bool:
    """Whether a URL is reached through a SOCKS proxy, which only git and curl can do."""
    return (proxy_for(url) or "").lower().startswith("socks")


def shown(proxy: str) -> str:
    """The address of a proxy without its credentials."""
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"
