"""What is checked of every request, whether a program asks for an answer or a person for a page.

Limits are counted in one place for both: by the key that was verified, never by what a stranger
claims.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Literal

from anyio import CapacityLimiter
from starlette.requests import Request

from aggregator.store.store import LedgerStore
from gitmeter.http_edge.server import THREADS
from portal.access.buckets import DAY_S, Buckets, Taken
from portal.access.holders import Holder
from portal.access.networks import network_of
from portal.api import problems
from portal.api.problems import ProblemError
from portal.api.route import Route
from portal.config.tables import PortalConfig
from portal.reading.age import is_older, pulled_at

Counted = Literal["guess", "sign_up", "issuer"]
"""What is counted for a network: requests without a right key, accounts that are opened, and ways
to an issuer and back."""
WAITING_MAX: Final = 8
"""Requests that wait for a thread that asks another program."""
AT_ONCE_MAX: Final = 2
"""Answers of one account at one time that take a thread."""
WRITES_A_DAY: Final = 100
"""Most requests of one account in a day that write; staff have no such limit."""


class AskingLimits:
    """How much is answered, for each key, network and account; belongs to one event loop.

    Args:
        config: what the operator says.
        monotonic_s: a clock that never goes back.
    """

    def __init__(
        self, config: PortalConfig, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._monotonic_s = monotonic_s
        self._of_keys = Buckets()
        self._of_networks: Mapping[Counted, tuple[Buckets, int]] = {
            "guess": (Buckets(), config.guesses_per_minute),
            "issuer": (Buckets(), 2 * config.guesses_per_minute),
            "sign_up": (Buckets(DAY_S), config.sign_up.per_network_a_day),
        }
        self._of_writers = Buckets(DAY_S)
        self._busy: Counter[str] = Counter()
        self._waiting = {"issuer": CapacityLimiter(THREADS), "till": CapacityLimiter(THREADS)}

    def waiting_for(self, program: Literal["issuer", "till"]) -> CapacityLimiter:
        """The threads that wait for another program: one that is slow holds up nothing else.

        Raises:
            ProblemError: many wait already; whoever has gone meanwhile is among them.
        """
        threads = self._waiting[program]
        if threads.statistics().tasks_waiting >= WAITING_MAX:
            raise problems.not_now("too many wait for this already")
        return threads

    def take(self, holder: Holder) -> Taken:
        """Count a request of somebody who is known."""
        return self._of_keys.take(holder.name, holder.rpm or self._config.rpm, self._monotonic_s())

    def guess(self, request: Request) -> Taken:
        """Count a request that shows no key in force, for the network that it comes from."""
        return self.count("guess", request)

    def count(self, what: Counted, request: Request) -> Taken:
        """Count a request for the network that it comes from."""
        buckets, quota = self._of_networks[what]
        peer = None if request.client is None else request.client.host
        forwarded = ",".join(request.headers.getlist("X-Forwarded-For"))
        proxy, is_wide = self._config.listen.proxy, what == "sign_up"
        network = network_of(peer or None, forwarded, proxy, is_wide=is_wide)
        return buckets.take(network, quota, self._monotonic_s())

    def check_writes(self, route: Route, holder: Holder) -> None:
        """Hold back an account that settles all the time: every line stays in git for ever.

        Taking something back is always possible, as only so much can be as was made: else whoever
        has one key of an account could keep it from being revoked.

        Raises:
            ProblemError: it has to wait.
        """
        if not route.writes or route.method == "DELETE" or holder.member is not None:
            return
        taken = self._of_writers.take(holder.user, WRITES_A_DAY, self._monotonic_s())
        if not taken.is_allowed:
            raise problems.too_many(taken.reset_s)

    @contextmanager
    def of_busy(self, holder: Holder) -> Iterator[None]:
        """Let one account have a few threads at once, not all.

        Raises:
            ProblemError: it has as many as it may.
        """
        if self._busy[holder.user] >= AT_ONCE_MAX:
            raise problems.too_many(1)
        self._busy[holder.user] += 1
        try:
            yield
        finally:
            self._busy[holder.user] -= 1
            if not self._busy[holder.user]:
                del self._busy[holder.user]


def check_right(route: Route, holder: Holder) -> None:
    """Check that a key opens a route.

    Raises:
        ProblemError: it does not; that there are routes of staff is nobody else's business.
    """
    if route.roles and (holder.member is None or holder.member.role not in route.roles):
        raise problems.not_found()
    if route.scope and not holder.may(route.scope):
        raise problems.forbidden(route.scope)


def has_right(route: Route, holder: Holder) -> bool:
    """Whether a key opens a route."""
    try:
        check_right(route, holder)
    except ProblemError:
        return False
    return True


def check_state(
    route: Route, holder: Holder, store: LedgerStore, now: datetime, stale_max_s: int
) -> None:
    """Check that account and ledger are in a state in which a route is answered.

    Raises:
        ProblemError: a suspended account wants to write, or the ledger is too old.
    """
    if route.settles and holder.is_suspended:
        raise problems.suspended()
    if route.needs_recent and is_older(pulled_at(store), now, stale_max_s):
        raise problems.too_old()
