"""A listener that dies at any moment loses nothing that it acknowledged and doubles nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from node_pusher.home.home import Home
from tests.node_pusher.listener.listening import Client, Listening, lines_in, use

CLIENTS = 20
KILLS = 6


class Service:
    """Sends uses one burst after the other, and again under the same id until each is answered."""

    def __init__(self, number: int, seed: int, path: Path, over: threading.Event) -> None:
        self.acknowledged: dict[str, int] = {}
        self.sent: set[str] = set()
        self._rng = Random(f"{seed}-{number}")
        self._number = number
        self._path = path
        self._over = over

    def run(self) -> None:
        """Go on until told; leave nothing unanswered."""
        burst: list[str] = []
        pause = threading.Event()
        while burst or not self._over.is_set():
            try:
                with Client(self._path) as client:
                    while burst or not self._over.is_set():
                        burst = burst or self._burst()
                        self._send(client, burst)
                        burst = []
            except (OSError, EOFError):  # dead, not there yet, or died in the middle
                pause.wait(0.005)

    def _burst(self) -> list[str]:
        start = len(self.sent)
        names = [f"{self._number}-{start + i}" for i in range(self._rng.randrange(1, 6))]
        self.sent.update(names)
        return names

    def _send(self, client: Client, names: list[str]) -> None:
        client.send(*(use(id=name) for name in names))
        for name in names:
            answer = client.answer()
            if answer["id"] != name:
                raise AssertionError(f"{answer} is not the answer for {name}")
            known = self.acknowledged.setdefault(name, answer["seq"])
            if known != answer["seq"]:
                raise AssertionError(f"{name} was given {known}, then {answer['seq']}")


@pytest.mark.parametrize("seed", range(3))
def test_what_was_acknowledged_is_in_the_spool_once_whenever_it_is_killed(
    home: Home, seed: int
) -> None:
    rng = Random(seed)
    over = threading.Event()
    path = home.path / "listen.sock"
    services = [Service(number, seed, path, over) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(service.run) for service in services]
        try:
            for _ in range(KILLS):
                with Listening(home.path):
                    threading.Event().wait(rng.uniform(0, 0.3))
            with Listening(home.path) as last:
                over.set()
                for service in running:
                    service.result()
                last.stop()
        finally:
            over.set()
    acknowledged = {name: seq for service in services for name, seq in service.acknowledged.items()}
    assert {line["id"]: line["seq"] for line in lines_in(home.path)} == acknowledged
    assert set(acknowledged) == {name for service in services for name in service.sent}
    numbers = [line["seq"] for line in lines_in(home.path)]
    assert numbers == list(range(1, len(acknowledged) + 1))
    assert len(acknowledged) > CLIENTS
