"""The server of `till charge`, and what runs beside it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import structlog

from front.pusher import Pusher
from gitmeter.http_edge.address import listen_on, remove_socket_file
from gitmeter.http_edge.address_text import UNIX
from gitmeter.http_edge.secret_file import read_secret
from gitmeter.http_edge.server import Server
from gitmeter.support.locks import LockedError, locked
from node_pusher.home.errors import BusyError
from till.cards.card_account import cards_of
from till.charging.worker import ChargeWorker
from till.config.charge import ChargeTable
from till.intake.till import Till
from till.serving.due import DueEndpoint
from wire_format.posts.topup_due import BODY_BYTES_MAX

_log = structlog.get_logger()


@contextmanager
def charging(till: Till, limits: ChargeTable) -> Iterator[str]:
    """Charge until the block ends: what is being done then is done to its end, and pushed.

    Args:
        till: an open till.
        limits: what its configuration says of charging.

    Yields:
        where it listens, with its port.

    Raises:
        BusyError: another process charges from this home.
        ListenError: the address cannot be listened on.
        WordFileError, SecretFileError: a file of a key or secret cannot be used.
        NoCardsError, ProviderSettingsError: an account cannot be used.
    """
    for account in till.accounts.by_name.values():
        account.check()
        with cards_of(account):
            pass
    secret = read_secret(limits.secret_file)
    pusher = Pusher(till.home, till.config.hint, till.clock)
    worker = ChargeWorker(till, limits, pusher)
    with ExitStack() as running:
        try:
            running.enter_context(locked(till.home.path / "charge.lock"))
        except LockedError:
            raise BusyError("another process charges from this home") from None
        listening = listen_on(limits.listen)
        running.callback(remove_socket_file, limits.listen)
        pusher.start()
        running.callback(pusher.stop)  # after the thread that charges, whose last step writes lines
        worker.start()
        running.callback(worker.stop)
        application = DueEndpoint(till, worker, secret).asgi()
        server = Server(application, listening, _too_large, body_bytes_max=BODY_BYTES_MAX)
        server.start()
        running.callback(server.stop)
        is_file = limits.listen.startswith(UNIX)
        port = "" if is_file else f":{listening.getsockname()[1]}"
        yield limits.listen.rpartition(":")[0] + port if port else limits.listen


def _too_large(path: str) -> None:
    _log.warning("request too large", path=path)
