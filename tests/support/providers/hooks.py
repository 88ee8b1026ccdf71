"""Webhooks of a simulated provider: they wait until they are sent, as late and as often as is told.

Attributes of `Hooks` say what becomes of them; nothing is sent by itself unless `at_once` is set.
"""

import random
import threading
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

import requests

Order = Literal["as it was", "reversed", "shuffled"]
_TIMEOUT_S: Final = 10


class Hook(NamedTuple):
    """One webhook to be.

    Attributes:
        body: of it.
        is_live: what mode it tells of.
        kind: the type of the event.
    """

    body: bytes
    is_live: bool
    kind: str


class Sent(NamedTuple):
    """What was sent, and what came of it.

    Attributes:
        hook: it.
        headers: with its signature.
        status: what was answered; 0 for nothing.
    """

    hook: Hook
    headers: Mapping[str, str]
    status: int


class Hooks:
    """Sends webhooks to one address.

    Args:
        sign: the headers of a body, signed now.

    Attributes:
        url: where they go; empty to keep them.
        at_once: whether they are sent as soon as there are any, by another thread.
        modes: whose events are told: live alone, or of test mode too, as at an endpoint of Connect.
        waiting: those that were not sent yet, in order.
        lost: those that never will be.
        sent: all deliveries.
    """

    def __init__(self, sign: Callable[[bytes], Mapping[str, str]]) -> None:
        self.url = ""
        self.at_once = False
        self.modes: frozenset[bool] = frozenset({True, False})
        self.waiting: list[Hook] = []
        self.lost: list[Hook] = []
        self.sent: list[Sent] = []
        self.sign = sign
        self._lock = threading.Lock()

    def add(self, hook: Hook) -> None:
        """Something happened."""
        if hook.is_live not in self.modes:
            return
        with self._lock:
            self.waiting.append(hook)
        if self.at_once:
            threading.Thread(target=self.deliver, daemon=True).start()

    def lose(self, chance: float = 1.0, rng: random.Random | None = None) -> None:
        """Forget those that wait, each with this chance."""
        draw = rng or random.Random(0)
        with self._lock:
            gone = [hook for hook in self.waiting if draw.random() < chance]
            self.waiting = [hook for hook in self.waiting if hook not in gone]
            self.lost += gone

    def deliver(
        self, order: Order = "as it was", times: int = 1, rng: random.Random | None = None
    ) -> list[int]:
        """Send all that wait, each so often, signed now; the statuses that came back."""
        with self._lock:
            hooks, self.waiting = self.waiting * times, []
        if order == "reversed":
            hooks.reverse()
        elif order == "shuffled":
            (rng or random.Random(0)).shuffle(hooks)
        return [self.post(hook, self.sign(hook.body)) for hook in hooks]

    def post(self, hook: Hook, headers: Mapping[str, str]) -> int:
        """Send a body with any headers; the status that came back, 0 for none."""
        try:
            answer = requests.post(
                self.url,
                data=hook.body,
                headers={"Content-Type": "application/json", **headers},
                timeout=_TIMEOUT_S,
            )
            status = answer.status_code
        except requests.RequestException:
            status = 0
        self.sent.append(Sent(hook, dict(headers), status))
        return status
