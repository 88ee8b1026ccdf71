"""The server of a portal, and what runs beside it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

import structlog

from front.pusher import Pusher
from gitmeter.http_edge.address import listen_on, remove_socket_file
from gitmeter.http_edge.address_text import UNIX
from gitmeter.http_edge.server import Server
from portal.api.application import application
from portal.api.checks import AskingLimits
from portal.api.gate import Gate
from portal.api.request import Portal
from portal.config.tables import PortalConfig
from portal.desk.desk import Desk
from portal.pages.application import with_pages
from portal.reading.ledgers import Ledgers
from portal.serving.following import following, recall

BODY_BYTES_MAX: Final = 64 << 10
"""What is sent here has some hundred bytes."""
_KEEP_ALIVE_S: Final = 5
"""A reverse proxy asks again on the same connection."""
_log = structlog.get_logger()


@contextmanager
def serving(config: PortalConfig, desk: Desk) -> Iterator[str]:
    """Serve until the block ends, and then push what is there; gives the address with its port.

    Args:
        config: what the operator says.
        desk: an open desk.

    Raises:
        ListenError: the address cannot be listened on.
    """
    address, ledgers = config.listen.address, Ledgers(config.state, partial(recall, desk))
    pusher = Pusher(desk.home, config.hint, desk.clock)
    portal = Portal(config, desk, pusher.wake)
    limits = AskingLimits(config)
    served = application(lambda: Gate(portal, ledgers, limits))
    if config.pages.on:
        served = with_pages(served, portal, ledgers, limits)
    with ExitStack() as running:
        pusher.start()
        running.callback(pusher.stop)  # after the server, whose last requests write lines
        running.enter_context(following(portal, ledgers))
        listening = listen_on(address)
        running.callback(remove_socket_file, address)
        port = "" if address.startswith(UNIX) else f":{listening.getsockname()[1]}"
        server = Server(
            served,
            listening,
            _too_large,
            body_bytes_max=BODY_BYTES_MAX,
            keep_alive_s=_KEEP_ALIVE_S,
        )
        server.start()
        running.callback(server.stop)
        yield address.rpartition(":")[0] + port if port else address


def _too_large(path: str) -> None:
    _log.warning("request too large", path=path)
