"""The clients in `docs/clients/README.md` do what the page says, as they stand there."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from docs.generate import DOCS
from node_pusher.home.home import Home
from node_pusher.spool.inputs import UsageInput
from tests.node_pusher.listener.listening import TIMEOUT_S, Listening, lines_in

TEXT: Final = (DOCS / "clients/README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


PYTHON, PYTHON_CALL = blocks("python")
SHELL, SHELL_CALL = blocks("sh")


@pytest.fixture
def path(home: Home) -> Iterator[Path]:
    """Where a listener listens; short, as clients know it."""
    with Listening(home.path, "--socket", "s"):
        yield Path("s")


def run_python(path: Path, call: str) -> "subprocess.CompletedProcess[str]":
    script = PYTHON.replace("/var/lib/node-pusher/listen.sock", str(path)) + call
    return subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


def run_shell(path: Path, call: str) -> "subprocess.CompletedProcess[str]":
    listed = subprocess.run(["nc", "-h"], capture_output=True, text=True, check=False).stderr
    assert "-U" in listed
    return subprocess.run(
        ["sh", "-c", f"SOCKET={path}\n{SHELL}\n{call}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )


needs_nc = pytest.mark.skipif(shutil.which("nc") is None, reason="netcat-openbsd is not here")


def test_the_python_client_records_once_however_often_it_sends(home: Home, path: Path) -> None:
    for _ in range(2):
        done = run_python(path, f"print(json.dumps({PYTHON_CALL.strip()}))")
        assert json.loads(done.stdout)["id"] == "boot-7f3a", done.stderr
    (line,) = lines_in(home.path)
    assert (line["user"], line["units"], line["id"]) == ("alice", 3600, "boot-7f3a")


def test_the_python_client_gives_up_on_a_wrong_line(path: Path) -> None:
    done = run_python(path, 'print(record({"user": "alice"}))')
    assert "'retry': False" in done.stdout, done.stderr


def test_the_python_client_waits_for_a_listener_that_is_away(home: Home) -> None:
    done: list[subprocess.CompletedProcess[str]] = []
    thread = threading.Thread(target=lambda: done.append(run_python(Path("s"), PYTHON_CALL)))
    thread.start()
    with Listening(home.path, "--socket", "s"):
        thread.join(TIMEOUT_S)
    assert done[0].returncode == 0
    assert len(lines_in(home.path)) == 1


@needs_nc
def test_the_shell_client_records_once_however_often_it_sends(home: Home, path: Path) -> None:
    for _ in range(2):
        done = run_shell(path, SHELL_CALL)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["id"] == "boot-7f3b"
    (line,) = lines_in(home.path)
    assert (line["user"], line["units"], line["id"]) == ("alice", 3600, "boot-7f3b")


@needs_nc
def test_the_shell_client_gives_up_on_a_wrong_line(home: Home, path: Path) -> None:
    done = run_shell(path, "record boot-7f3c alice hero_os/seconds -1")
    assert done.returncode == 1
    assert "may be negative only in a correction" in done.stderr
    assert lines_in(home.path) == []


def test_the_page_names_every_key_of_a_request() -> None:
    table = TEXT.partition("| key |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(
        UsageInput.__struct_fields__
    )


def test_the_example_of_a_request_is_one(path: Path) -> None:
    (request,) = blocks("json")
    done = run_python(path, f"print(json.dumps(record(json.loads('{request.strip()}'))))")
    assert json.loads(done.stdout)["seq"] == 1
