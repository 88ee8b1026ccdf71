"""`aggregator notices`: what was told, whether it arrived, and trying the receiver."""

from pathlib import Path

import pytest

from aggregator.notices.delivery import deliver
from gitmeter.support.errors import ExitCode
from tests.aggregator.notices.telling import SECRET, Desk
from tests.support.files import write_toml
from tests.support.programs import Said, run_aggregator
from tests.support.receiver import ReceiverServer


def notices(desk: Desk, *arguments: str) -> Said:
    values = {"state": desk.folder, "notify": {"url": desk.url, **desk.files}}
    config = write_toml(desk.folder.with_name("aggregator.toml"), values)
    return run_aggregator("--config", str(config), "notices", *arguments)


def test_it_shows_what_was_told_and_what_came_of_it(desk: Desk, server: ReceiverServer) -> None:
    desk.usd("alice", 4)
    desk.compare()
    deliver(desk.path, desk.config, lambda: desk.now)
    desk.usd("bob", 0)
    desk.compare()
    server.answer(503, body=b"\x1b[31mcome back later")
    deliver(desk.path, desk.config, lambda: desk.now)
    shown = notices(desk).ok().out
    assert "account alice" in shown
    assert "delivered 2026-01-01T00:00:00Z" in shown
    assert "the receiver took none 1 time in a row" in shown
    assert "\x1b" not in shown
    (row,) = notices(desk, "--json", "--undelivered").ok().json
    assert (row["about"], row["attempts"], row["delivered_at"]) == ("account bob", 1, None)
    assert row["body"]["balance_usd"] == "0.00"
    assert row["body"]["id"] == row["id"]


def test_retry_delivers_at_once_what_waits_or_was_given_up(
    desk: Desk, server: ReceiverServer
) -> None:
    desk.usd("alice", 4)
    desk.compare()
    server.answer(404)
    while deliver(desk.path, desk.config, lambda: desk.now).waiting:
        desk.later(hours=1)
    said = notices(desk, "retry")
    assert said.code == ExitCode.TRY_LATER
    assert "0 notices delivered, 1 left" in said.out
    server.behave()
    said = notices(desk, "retry", "--json").ok()
    assert said.json == {"delivered": 1, "left": 0, "error": ""}
    assert len(server.taken()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, ExitCode.OK), (503, ExitCode.TRY_LATER), (401, ExitCode.FAILED), (302, ExitCode.FAILED)],
)
def test_test_says_what_came_back(
    desk: Desk, server: ReceiverServer, status: int, code: ExitCode
) -> None:
    """One signed event of kind "test", which is no notice and is not kept."""
    desk.protect()
    server.answer(status, body=b"said so")
    said = notices(desk, "test", "--json")
    assert said.code == code
    (got,) = server.got
    assert got.event["event"] == "test"
    assert got.event["id"] == said.json["id"] == got.headers["X-Gitmeter-Delivery"]
    assert len(got.headers["X-Gitmeter-Signature"]) == 64
    assert SECRET not in str(got.headers)
    assert said.json["answer"].startswith(str(status))
    assert desk.rows() == []
    said = notices(desk, "test")
    assert (said.code, str(status) in said.out) == (code, True)


def test_without_notify_and_without_notices_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "aggregator.toml"
    config.write_text(f'state = "{tmp_path}"\n')
    for words, message in (((), "no notices yet"), (("test",), "no [notify]")):
        said = run_aggregator("--config", str(config), "notices", *words)
        assert (said.code, message in said.err) == (ExitCode.FAILED, True)
