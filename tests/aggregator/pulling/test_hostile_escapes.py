"""No text of a node, its server or its files reaches a terminal as control characters."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.support.ledger.world import DAY, PRICES, World
from tests.support.local_http import LocalHttpServer
from tests.support.repos import segment_path, usage_line

EVIL = "\x1b[2J\x1b]0;owned\x07\r\x08\x7f\x9b31m\u202e\u2028"
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that some terminal acts on; a newline is allowed, since it ends lines."""

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("pull",),
    ("-v", "pull"),
    ("held",),
    ("rejects",),
    ("incidents",),
    ("rewrites",),
    ("nodes",),
    ("balance",),
    ("balance", "alice"),
    ("charges", "alice"),
    ("explain", "alice", "hero_os/seconds", "2025-01-01T00"),
    ("verify",),
    ("rebuild",),
    ("config", "check"),
    ("balance", EVIL),
    ("explain", EVIL, EVIL, "2025-01-01T00"),
)


class _EvilServer(BaseHTTPRequestHandler):
    """Answers with text that git passes on from a server, full of control characters."""

    def do_GET(self) -> None:
        packet = f"ERR {EVIL} gone".encode()
        body = b"001e# service=git-upload-pack\n0000" + b"%04x" % (len(packet) + 4) + packet
        self.send_response(200)
        self.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Log nothing."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Everything that a node writes has control characters; other lines are billed."""
    found = World(tmp_path)
    found.rules()
    found.rules(PRICES + f'[["{EVIL.encode("unicode_escape").decode()}"]]\n'.encode())
    quoted = "".join(f"\\u{ord(character):04x}" for character in EVIL)
    lines = (
        usage_line(seq=1),
        usage_line(seq=2, user=EVIL),
        usage_line(seq=3).replace(b'"units":1', f'"{EVIL}":1,"units":1'.encode()),
        usage_line(seq=3).replace(b'"units":1', f'"{quoted}":1,"units":1'.encode()),
        f'{{"v":2,"what":"{quoted}"}}\n'.encode(),
        '{"v":2,"what":"\x7f\u009b31m\u202e"}\n'.encode(),
        f"{EVIL}\n".encode(),
        b"\xff\x1b[31m\xfe\n",
        usage_line(seq=4, node="node-2"),
    )
    writer = found.repo("node-1")
    writer.commit(
        {
            segment_path(DAY, 1): b"".join(lines),
            f"usage/{EVIL}/{EVIL}.jsonl": usage_line(seq=7),
            f"usage/{DAY:%Y/%m/%d}/{EVIL}": b"x\n",
        },
        message=f"usage: {EVIL}",
    )
    edited = found.repo("edited")
    edited.commit({f"usage/{EVIL}": b"x\n"}, message=EVIL)
    edited.commit({f"usage/{EVIL}": b"y\n"}, message=EVIL)
    with LocalHttpServer(_EvilServer) as server:
        found.repo("away", url=f"http://127.0.0.1:{server.server_port}/away.git")
        found.pull()
        yield found


def test_the_world_has_escapes_in_every_place_that_a_node_controls(world: World) -> None:
    """Each place that a node controls has some."""
    kinds = {kind for _, kind in world.open_kinds()}
    assert {"bad rule book", "edited history"} < kinds
    assert "owned" in next(row["detail"] for row in world.incidents() if row["repo"] == "away")
    assert len(world.rejects()) > 5
    assert len(world.held()) > 2
    shown = f"{world.rejects()} {world.held()} {world.incidents()}"
    assert "owned" in shown


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_control_characters(world: World, command: tuple[str, ...]) -> None:
    said = world.run(*command)
    assert said.out + said.err
    assert OBEYED.findall(said.out) == []
    assert OBEYED.findall(said.err) == []


@pytest.mark.parametrize("command", ["held", "rejects", "incidents", "nodes", "pull"])
def test_json_has_the_exact_text_and_a_terminal_gets_it_escaped(world: World, command: str) -> None:
    """A program reads the exact text; a person on a terminal sees it escaped."""
    said = world.run(command, "--json")
    assert OBEYED.findall(said.out) == []
    if command in ("rejects", "incidents"):
        assert "owned" in str(said.json)
        assert "\x1b" in str(said.json) or "\\x1b" in str(said.json)
