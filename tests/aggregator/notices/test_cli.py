"""`aggregator notices`: what was told, whether it arrived, and trying the receiver."""

import json
from pathlib import Path

import click
import pytest

from aggregator.cli.context import Context
from aggregator.cli.notices import notices as command
from aggregator.notices.delivery import deliver
from aggregator.store.outbox.errors import NoticesError
from gitmeter.support.errors import ExitCode, GitmeterError
from tests.aggregator.notices.telling import SECRET, Desk
from tests.support.receiver import ReceiverServer

Output = pytest.CaptureFixture[str]


def aggregator(desk: Desk, *arguments: str) -> int:
    config = desk.folder.with_name("aggregator.toml")
    lines = [f'state = "{desk.folder}"', "[notify]", f'url = "{desk.url}"']
    lines += [f'{name} = "{path}"' for name, path in desk.files.items()]
    config.write_text("\n".join(lines) + "\n")
    context = Context(config, None, verbose=False)
    return int(command.main(list(arguments), obj=context, standalone_mode=False) or 0)


def test_it_shows_what_was_told_and_what_came_of_it(
    desk: Desk, server: ReceiverServer, capsys: Output
) -> None:
    desk.usd("alice", 4)
    desk.compare()
    deliver(desk.path, desk.config, lambda: desk.now)
    desk.usd("bob", 0)
    desk.compare()
    server.answer(503, body=b"\x1b[31mcome back later")
    deliver(desk.path, desk.config, lambda: desk.now)
    capsys.readouterr()
    assert aggregator(desk) == 0
    shown = capsys.readouterr().out
    assert "account alice" in shown
    assert "delivered 2026-01-01T00:00:00Z" in shown
    assert "the receiver took none 1 time in a row" in shown
    assert "\x1b" not in shown
    assert aggregator(desk, "--json", "--undelivered") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["about"], row["attempts"], row["delivered_at"]) == ("account bob", 1, None)
    assert row["body"]["balance_usd"] == "0.00"
    assert row["body"]["id"] == row["id"]


def test_retry_delivers_at_once_what_waits_or_was_given_up(
    desk: Desk, server: ReceiverServer, capsys: Output
) -> None:
    desk.usd("alice", 4)
    desk.compare()
    server.answer(404)
    while deliver(desk.path, desk.config, lambda: desk.now).waiting:
        desk.later(hours=1)
    capsys.readouterr()
    assert aggregator(desk, "retry") == ExitCode.TRY_LATER
    assert "0 notices delivered, 1 left" in capsys.readouterr().out
    server.behave()
    assert aggregator(desk, "retry", "--json") == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {"delivered": 1, "left": 0, "error": ""}
    assert len(server.taken()) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, ExitCode.OK), (503, ExitCode.TRY_LATER), (401, ExitCode.FAILED), (302, ExitCode.FAILED)],
)
def test_test_says_what_came_back(
    desk: Desk, server: ReceiverServer, capsys: Output, status: int, code: ExitCode
) -> None:
    """One signed event of kind "test", which is no notice and is not kept."""
    desk.protect()
    server.answer(status, body=b"said so")
    assert aggregator(desk, "test", "--json") == code
    (got,) = server.got
    said = json.loads(capsys.readouterr().out)
    assert got.event["event"] == "test"
    assert got.event["id"] == said["id"] == got.headers["X-Gitmeter-Delivery"]
    assert len(got.headers["X-Gitmeter-Signature"]) == 64
    assert SECRET not in str(got.headers)
    assert said["answer"].startswith(str(status))
    assert desk.rows() == []
    assert aggregator(desk, "test") == code
    assert str(status) in capsys.readouterr().out


def test_without_notify_and_without_notices_it_says_what_to_do(tmp_path: Path) -> None:
    config = tmp_path / "aggregator.toml"
    config.write_text(f'state = "{tmp_path}"\n')
    context = Context(config, None, verbose=False)
    with pytest.raises(NoticesError, match="nothing was told yet"):
        command.main([], obj=context, standalone_mode=False)
    with pytest.raises(GitmeterError, match=r"no \[notify\]"):
        command.main(["test"], obj=context, standalone_mode=False)
    assert isinstance(command, click.Group)
    assert sorted(command.commands) == ["retry", "test"]
