"""The clients in `docs/clients/balance.md` do what the page says, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from docs.generate import DOCS
from gitmeter.keys.secret import NewKey
from tests.portal.place import PortalPlace

TEXT: Final = (DOCS / "clients/balance.md").read_text()
ELSEWHERE: Final = "https://portal.example"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


PYTHON, PYTHON_CALL = blocks("python")
SHELL, SHELL_CALL = blocks("sh")


class Shown:
    """Either client, asked step by step."""

    def __init__(self, language: str, folder: Path) -> None:
        self._language = language
        self._folder = folder
        self._python: Any = None

    def ask(self, url: str, key: str) -> tuple[str, int]:
        """Ask once; what is shown, and when to ask again."""
        if self._language == "sh":
            return self._ask_by_shell(url, key)
        if self._python is None:
            names: dict[str, Any] = {}
            exec(PYTHON, names)  # noqa: S102 - the page's own code
            self._python = names["Balance"](url, key)
        self._python.portal, self._python.key = url, key
        wait_s = self._python.ask()
        return str(self._python), wait_s

    def _ask_by_shell(self, url: str, key: str) -> tuple[str, int]:
        key_file = self._folder / "key"
        key_file.write_text(f"Authorization: Bearer {key}\n")
        ran = subprocess.run(
            ["sh", "-c", f"{SHELL}\nask_balance && echo $wait_s"],
            env=os.environ | {"PORTAL": url, "KEY_FILE": str(key_file), "KEPT": "kept"},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if ran.returncode:
            raise PermissionError(ran.stderr.strip())
        shown, wait_s = ran.stdout.splitlines()
        return shown, int(wait_s)


@pytest.fixture(params=["python", "sh"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Shown:
    return Shown(request.param, tmp_path)


@pytest.fixture
def key(place: PortalPlace) -> NewKey:
    made = place.key("alice", "balance:read", rpm=5)
    place.pull()
    return made


def test_a_balance_is_shown_with_its_age_and_asked_for_again_in_a_minute(
    client: Shown, place: PortalPlace, key: NewKey
) -> None:
    """Also the age of one that has not changed."""
    first = ("19.80 USD, billed until 2026-11-02T00:05:00Z", 60)
    assert client.ask(place.url, key.secret) == first
    place.world.later(minutes=10)
    place.world.use(0)
    place.pull()
    same = ("19.80 USD, billed until 2026-11-02T00:15:00Z", 60)
    assert client.ask(place.url, key.secret) == same
    place.world.use(3)
    place.pull()
    assert client.ask(place.url, key.secret)[0].startswith("19.50 USD")


def test_what_was_last_heard_is_shown_as_such_while_the_portal_is_away(
    client: Shown, place: PortalPlace, key: NewKey
) -> None:
    nowhere = "http://127.0.0.1:9"
    assert client.ask(nowhere, key.secret) == ("not known yet", 60)
    known, _ = client.ask(place.url, key.secret)
    assert client.ask(nowhere, key.secret) == (f"{known}, as last heard", 60)
    assert client.ask(place.url, key.secret) == (known, 60)


def test_a_client_waits_as_long_as_it_is_told(
    client: Shown, place: PortalPlace, key: NewKey
) -> None:
    known = {client.ask(place.url, key.secret) for _ in range(5)}
    assert len(known) == 1
    shown, wait_s = client.ask(place.url, key.secret)
    assert shown.endswith(", as last heard")
    assert 1 <= wait_s <= 12
    place.world.forget()
    assert client.ask(place.url, place.key().secret)[1] == 60


def test_a_client_stops_where_its_key_opens_nothing(client: Shown, place: PortalPlace) -> None:
    place.pull()
    for opens_nothing in ("oc_live_" + "0" * 32, place.key("alice", "usage:read").secret):
        with pytest.raises(PermissionError, match="key"):
            client.ask(place.url, opens_nothing)
        place.pull()


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-u", "-c", PYTHON + PYTHON_CALL],
        ["sh", "-c", f"{SHELL}\n{SHELL_CALL}"],
    ],
    ids=["python", "sh"],
)
def test_the_loops_of_the_page_show_a_balance(
    command: list[str], place: PortalPlace, key: NewKey, tmp_path: Path
) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"Authorization: Bearer {key.secret}\n")
    own = {"PORTAL": place.url, "KEY_FILE": str(key_file), "PORTAL_KEY": key.secret}
    with subprocess.Popen(
        [word.replace(ELSEWHERE, place.url) for word in command],
        env=os.environ | own,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("19.80 USD")
        os.killpg(running.pid, 15)
