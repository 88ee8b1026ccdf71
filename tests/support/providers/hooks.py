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
        kind: the type of the event.
    """

    body: bytes
    kind: str


class Hooks:
    """Sends webhooks to one address.

    Args:
        sign: the headers of a body, signed now.

    Attributes:
        url: where they go; empty to keep them.
        at_once: whether they are sent as soon as there are any, by another thread.
        waiting: those that were not sent yet, in order.
    """

    def __init__(self, sign: Callable[[bytes], Mapping[str, str]]) -> None:
        self.url = ""
        self.at_once = False
        self.waiting: list[Hook] = []
        self.sign = sign
        self._lock = threading.Lock()

    def add(self, hook: Hook) -> None:
        """Something happened."""
        with self._lock:
            self.waiting.append(hook)
        if self.at_once:
            threading.Thread(target=self.deliver, daemon=True).start()

    def lose(self, chance: float = 1.0) -> None:
        """Forget those that wait, each with this chance."""
        draw = random.Random(0)
        with self._lock:
            gone = [hook for hook in self.waiting if draw.random() < chance]
            self.waiting = [hook for hook in self.waiting if hook not in gone]

    def taken(self, order: Order = "as it was", times: int = 1) -> list[Hook]:
        """Those that wait, each so often, to be sent by the caller; they wait no more."""
        with self._lock:
            hooks, self.waiting = self.waiting * times, []
        if order == "reversed":
            hooks.reverse()
        elif order == "shuffled":
            random.Random(len(hooks)).shuffle(hooks)
        return hooks

    def deliver(self) -> list[int]:
        """Send all that wait, signed now; the statuses that came back."""
        return [self.post(hook, self.sign(hook.body)) for hook in self.taken()]

    def post(self, hook: Hook, headers: Mapping[str, str]) -> int:
        """Send a body with any headers; the status that came back, 0 for none."""
        try:
            answer = requests.post(
                self.url,
                data=hook.body,
                headers={"Content-Type": "application/json", **headers},
                timeout=_TIMEOUT_S,
            )
        except requests.RequestException:
            return 0
        return answer.status_code
