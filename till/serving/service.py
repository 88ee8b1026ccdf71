"""Both servers of `till serve`, and what runs beside them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, NamedTuple

import structlog

from front.pusher import Pusher
from front.repeating import repeating
from gitmeter.http_edge.address import listen_on, remove_socket_file
from gitmeter.http_edge.address_text import UNIX
from gitmeter.http_edge.server import Server
from gitmeter.http_edge.whole_requests import BODY_BYTES_MAX
from till.intake.till import Till
from till.serving.hooks import EVENT_BYTES_MAX, Hooks
from till.serving.local import local_application

_log = structlog.get_logger()
_FORGET_EVERY_S: Final = 60


class Listening(NamedTuple):
    """Where a till listens.

    Attributes:
        public: the address of the hooks, with its port.
        local: the address of checkouts and cards, with its port.
    """

    public: str
    local: str


@contextmanager
def serving(till: Till) -> Iterator[Listening]:
    """Serve until the block ends, and then push what is there.

    Args:
        till: an open till.

    Raises:
        ListenError: an address cannot be listened on.
        WordFileError, SecretFileError: a file of a key or secret cannot be used.
        ProviderSettingsError: key, mode and address of an account do not fit together.
    """
    for account in till.accounts.by_name.values():
        account.check()
    listen = till.config.listen
    pusher = Pusher(till.home, till.config.hint, till.clock)
    hooks, local = Hooks(till, pusher).asgi(), local_application(till, pusher)
    with ExitStack() as running:
        pusher.start()
        running.callback(pusher.stop)  # after the servers, whose last requests write lines
        # telephone numbers, when their hour is over
        forget = lambda: till.checkouts.forget_numbers(till.clock())  # noqa: E731
        running.enter_context(repeating(forget, _FORGET_EVERY_S, "telephone numbers not forgotten"))
        addresses = []
        for address, application, body_max in (
            (listen.public, hooks, EVENT_BYTES_MAX),
            (listen.local, local, BODY_BYTES_MAX),
        ):
            listening = listen_on(address)
            running.callback(remove_socket_file, address)
            port = "" if address.startswith(UNIX) else f":{listening.getsockname()[1]}"
            addresses.append(address.rpartition(":")[0] + port if port else address)
            server = Server(application, listening, _too_large, body_bytes_max=body_max)
            server.start()
            running.callback(server.stop)
        yield Listening(*addresses)


def _too_large(path: str) -> None:
    _log.warning("request too large", path=path)
