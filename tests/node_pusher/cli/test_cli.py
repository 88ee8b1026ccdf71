"""The program: what it prints, its JSON, its exit codes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitmeter.support.errors import ExitCode
from node_pusher.home.settings_file import read_home
from node_pusher.sending import commit
from node_pusher.sending.push import push
from tests.node_pusher.conftest import NODE
from tests.support.programs import NodePusher
from tests.support.repos import RepoWriter

PROGRAM = Path(sys.executable).with_name("node-pusher")


@pytest.fixture
def program(tmp_path: Path, remote_dir: Path) -> NodePusher:
    program = NodePusher(tmp_path / "home")
    done = program("init", "--node", NODE, "--remote", remote_dir.as_uri())
    assert done.code == 0, done.err
    told, about_key, line = done.out.splitlines()
    assert told == "embedder-01: a new home; the next record is seq 1"
    assert "allowed signers" in about_key
    assert line.startswith('embedder-01 namespaces="git" ssh-ed25519 AAAA')
    return program


def test_from_record_to_push_in_words(program: NodePusher, remote_dir: Path) -> None:
    done = program(
        "record", "--user", "alice", "--resource", "vm/small/seconds", "--units", "3600",
        "--applies-to", "vm", "--ts", "2026-11-21T13:05:00Z", "--instance", "vm-7", "--id", "a1",
        "--meta", "zone=eu", "--meta", "cores=4", "--meta", "code=007",
    )  # fmt: skip
    assert done.out == "embedder-01 seq 1 at 2026-11-21T13:05:00Z\n"
    pushed = program("push")
    tip = RepoWriter(remote_dir).tip()
    assert tip is not None
    assert pushed.out == (
        f"embedder-01: pushed 1 commit with 1 record; the remote is at {tip[:12]}\n"
    )
    assert program("push").out == f"embedder-01: nothing new; the remote is at {tip[:12]}\n"
    (line,) = [
        data for path, data in RepoWriter(remote_dir).files(tip).items() if path.startswith("usage")
    ]
    assert line == (
        b'{"v":1,"node":"embedder-01","seq":1,"ts":"2026-11-21T13:05:00Z","user":"alice",'
        b'"resource":"vm/small/seconds","applies_to":"vm","units":3600,"instance":"vm-7",'
        b'"id":"a1","meta":{"code":"007","cores":4,"zone":"eu"}}\n'
    )


def test_from_record_to_push_in_json(program: NodePusher) -> None:
    options = ("--user", "alice", "--resource", "r", "--units", "1", "--id", "k")
    first = program.json("record", *options)
    assert first == {"node": NODE, "seq": 1, "ts": first["ts"], "repeated": False}
    assert program.json("record", *options) == {**first, "repeated": True}
    status = program.json("status")
    assert (status["records_in_spool"], status["commits_waiting"]) == (1, 0)
    assert (status["next_seq"], status["epoch"], status["last_push_at"]) == (2, 0, None)
    report = program.json("push")
    assert (report["committed"], report["pushed"], report["retired"]) == (1, 1, 1)
    entry, claim = program.json("log")
    assert (entry["first_seq"], entry["last_seq"], entry["records"]) == (1, 1, 1)
    assert entry["totals"] == [{"name": "r", "amount": "1", "records": 1}]
    assert entry["pushed"] is True
    assert (claim["subject"], claim["records"], claim["first_seq"], claim["pushed"]) == (
        "node: embedder-01 starts epoch 0 at seq 1", 0, None, True,
    )  # fmt: skip
    status = program.json("status")
    assert (status["records_in_spool"], status["head"]) == (0, report["head"])
    assert status["last_push_at"] is not None


def test_records_from_standard_input(program: NodePusher) -> None:
    good = '{"user":"a","resource":"r","units":1}\n'
    done = program("record", "-", stdin=good + "\x1b[31mbad\n" + good)
    assert done.code == ExitCode.FAILED
    assert done.out == "recorded 2 records, seq 1..2, 1 bad line\n"
    assert done.err.startswith("line 2: ")
    report = program.json("record", "-", stdin=good)
    assert (report["recorded"], report["first_seq"], report["refused"]) == (1, 3, 0)


def test_bad_data_reaches_no_terminal_raw(program: NodePusher) -> None:
    done = program("record", "--user", "a", "--resource", "\x1b[31mred", "--units", "1")
    assert done.code == ExitCode.FAILED
    assert "\x1b" not in done.err
    stream = program("record", "-", stdin='{"user":"a","resource":"r","units":1,"\\u001b[1m":2}\n')
    assert stream.code == ExitCode.FAILED
    assert "\x1b" not in stream.err


@pytest.mark.parametrize(
    "args",
    [
        ("record",),
        ("record", "--user", "a"),
        ("record", "-", "--user", "a"),
        ("record", "--user", "a", "--resource", "r", "--units", "-1"),
        ("record", "--user", "a", "--resource", "r", "--units", "1", "--applies-to", "x"),
        ("record", "--user", "a", "--resource", "r", "--units", "1", "--meta", "novalue"),
        ("init", "--node", "x"),
        ("fly",),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(program: NodePusher, args: tuple[str, ...]) -> None:
    done = program(*args)
    assert done.code == ExitCode.USAGE, done.err


def test_without_init_the_hint_says_so(tmp_path: Path) -> None:
    for args in (("status",), ("push",), ("log",),
                 ("record", "--user", "a", "--resource", "r", "--units", "1")):  # fmt: skip
        done = NodePusher(tmp_path / "nothing")(*args)
        assert done.code == ExitCode.FAILED
        assert "init" in done.err


def test_a_remote_that_does_not_answer_is_exit_code_75(program: NodePusher, tmp_path: Path) -> None:
    settings = program.home / "node.toml"
    url = (tmp_path / "remote.git").as_uri()
    settings.write_text(settings.read_text().replace(url, "http://127.0.0.1:9/x.git"))
    program("record", "--user", "a", "--resource", "r", "--units", "1")
    done = program("push")
    assert done.code == ExitCode.TRY_LATER
    assert "nothing is lost: 1 commit waits here" in done.err
    status = program("status").out.splitlines()
    assert status[3:5] == [
        "not committed:  0 records",
        "not pushed:     1 commit with 1 record",
    ]


def test_the_home_may_come_from_the_environment(
    program: NodePusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_PUSHER_HOME", str(program.home))
    done = subprocess.run([PROGRAM, "status"], capture_output=True, text=True, check=True)
    assert NODE in done.stdout


def test_log_shows_time_numbers_records_and_resources(program: NodePusher) -> None:
    for units in (1, 2):
        program("record", "--user", "a", "--resource", "r", "--units", str(units))
        program("push")
    shown = program("log", "-n", "1").out
    assert "2..2" in shown
    assert "r 2" in shown
    assert "1..1" not in shown


def test_recording_one_use_loads_no_heavy_library() -> None:
    """A service may run the program for every record."""
    code = (
        "import sys, node_pusher.cli, node_pusher.spool.api\n"
        "print(*{'cryptography', 'pygit2', 'pydantic', 'rich', 'tomlkit'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    "command", ["init", "record", "correct", "push", "status", "log", "show-key", "rotate-key"]
)
def test_every_command_explains_itself(program: NodePusher, command: str) -> None:
    done = program(command, "--help")
    assert done.code == 0
    assert done.out.startswith("Usage: node-pusher")


@pytest.mark.parametrize(
    "option",
    [
        ("--applies-to", "vm"),
        ("--units", "3"),
        ("--meta", "a=b"),
        ("--applies-to", "hero_os_hourly"),
    ],
)
def test_an_option_that_a_stream_would_ignore_is_refused_by_name(
    program: NodePusher, option: tuple[str, str]
) -> None:
    done = program("record", "-", *option, stdin='{"user":"a","resource":"r","units":1}\n')
    assert done.code == ExitCode.USAGE
    assert option[0] in done.err
    assert program.json("status")["records_in_spool"] == 0


def test_init_says_that_the_spool_was_lost(program: NodePusher, remote_dir: Path) -> None:
    program("record", "--user", "a", "--resource", "r", "--units", "1")
    for file in program.home.glob("spool.db*"):
        file.unlink()
    done = program("init", "--node", NODE, "--remote", remote_dir.as_uri())
    assert "the spool was lost" in done.err
    assert "epoch 1" in done.err
    assert done.out.splitlines()[0].endswith("the next record is seq 1000000001")


def test_a_record_far_ahead_of_the_clock_is_refused_with_the_reason(program: NodePusher) -> None:
    """This machine's clock may be behind, so it may be tried again; a year ahead it may not."""
    ahead = (datetime.now(UTC) + timedelta(seconds=360)).strftime("%Y-%m-%dT%H:%M:%SZ")
    near = (datetime.now(UTC) + timedelta(seconds=240)).strftime("%Y-%m-%dT%H:%M:%SZ")
    use = ("record", "--user", "a", "--resource", "r", "--units", "1")
    done = program(*use, "--ts", ahead)
    assert done.code == ExitCode.TRY_LATER
    assert "ahead of this machine's clock" in done.err
    assert program(*use, "--ts", "2099-01-01T00:00:00Z").code == ExitCode.FAILED
    assert program(*use, "--ts", near).code == 0
    line = '{"user":"a","resource":"r","units":1,"ts":"%s"}\n'
    stream = program("record", "-", stdin=line % near + line % ahead)
    assert stream.out == "recorded 1 record, seq 2..2, 1 bad line\n"
    assert "line 2: ts: lies more than 5 minutes ahead" in stream.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupted_stream_says_what_is_on_disk(
    program: NodePusher, number: signal.Signals, *, as_json: bool
) -> None:
    args = [str(PROGRAM), "--home", str(program.home), "record", "-"]
    with subprocess.Popen(
        args + ["--json"] * as_json, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write('{"user":"a","resource":"r","units":1}\n' * 50 + '{"user":')
        running.stdin.flush()
        while program.json("status")["records_in_spool"] < 50:
            pass
        running.send_signal(number)
        said = running.stdout.read()
        assert running.wait() == ExitCode.INTERRUPTED
    if as_json:
        report = json.loads(said)
        assert (report["recorded"], report["last_seq"], report["interrupted"]) == (50, 50, True)
    else:
        assert said == "recorded 50 records, seq 1..50, 50 lines read; interrupted\n"


_USE = ("record", "--user", "a", "--resource", "r", "--units", "1")


@pytest.mark.parametrize("args", [_USE, ("status",), ("push",)])
def test_a_damaged_spool_is_told_with_a_way_out(program: NodePusher, args: tuple[str, ...]) -> None:
    """A retry cannot help, so it is not exit code 75."""
    for file in program.home.glob("spool.db-*"):
        file.unlink()
    (program.home / "spool.db").write_bytes(b"this is no database at all, whoever wrote it\n" * 100)
    done = program(*args)
    assert done.code == ExitCode.FAILED
    assert "spool" in done.err
    assert "hint: if spool.db is damaged" in done.err


@pytest.mark.parametrize("damage", ["missing", "damaged"])
@pytest.mark.parametrize("args", [("status",), ("push",), ("log",)])
def test_a_broken_repo_is_told_with_a_way_out(
    program: NodePusher, args: tuple[str, ...], damage: str
) -> None:
    program(*_USE)
    program("push")
    if damage == "missing":
        shutil.rmtree(program.home / "repo.git")
    else:
        for file in (program.home / "repo.git" / "objects").glob("??/*"):
            file.chmod(0o600)
            file.write_bytes(b"")
    done = program(*args)
    assert done.code == ExitCode.FAILED, done.err
    assert f"repo.git is {damage}" in done.err
    assert "--rejoin" in done.err


def test_a_repo_that_was_moved_aside_is_made_again_by_a_rejoin(
    program: NodePusher, remote_dir: Path
) -> None:
    """The way out that the hint names."""
    program(*_USE)
    program("push")
    program(*_USE)
    (program.home / "repo.git").rename(program.home / "broken.git")
    done = program("init", "--node", NODE, "--remote", remote_dir.as_uri(), "--rejoin")
    assert done.code == 0, done.err
    assert program.json("push")["retired"] == 1


_AS_NOBODY = """
import importlib, os, pkgutil, sys
import gitmeter, node_pusher, wire_format
for package in (gitmeter, node_pusher, wire_format):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
sys.argv[0] = "node-pusher"
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
node_pusher.cli.main()
"""  # all is imported first: nobody may not read everybody's Python, nor everybody's checkout


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run a program as somebody else")
@pytest.mark.parametrize("args", [_USE, ("status",), ("push",)])
def test_a_home_of_somebody_else_is_no_reason_to_try_again(
    program: NodePusher, tmp_path: Path, args: tuple[str, ...]
) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith("pytest-"):
            folder.chmod(0o755)
    for readable in (False, True):
        if readable:
            program.home.chmod(0o755)
            (program.home / "node.toml").chmod(0o644)
        done = subprocess.run(
            [sys.executable, "-c", _AS_NOBODY, "--home", program.home, *args],
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip
        assert done.returncode == ExitCode.FAILED, done.stderr
        assert "hint: run it as the user who owns the home" in done.stderr


def test_a_push_says_what_waits_for_the_clock_and_is_no_failure(program: NodePusher) -> None:
    ahead = (datetime.now(UTC) + timedelta(seconds=240)).strftime("%Y-%m-%dT%H:%M:%SZ")
    use = ("record", "--user", "a", "--resource", "r", "--units", "1")
    assert program(*use, "--ts", ahead).code == 0
    assert program(*use).code == 0
    done = program("push")
    assert done.code == 0
    assert "pushed 1 commit with 1 record" in done.out
    assert f"warning: 1 record (seq 1) waits in the spool: dated up to {ahead}" in done.err
    assert program.json("push")["ahead"] == 1


def test_resend_says_what_it_sent_and_when_there_is_nothing_more(
    program: NodePusher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        program("record", "--user", "a", "--resource", "r", "--units", "1")
    now = datetime.now(UTC)
    with monkeypatch.context() as older:  # as it was when the clock was an hour behind
        older.setattr(commit, "date_of", lambda *_: now - timedelta(hours=1))
        push(read_home(tmp_path / "home", "usage"), now)
    assert "pushed 1 commit with 1 record" in program("resend", "2").out
    report = program.json("resend", "1..2")
    assert (report["found"], report["push"]["retired"]) == (1, 1)
    done = program("resend", "1..2")
    assert done.code == 0
    assert "nothing to send again" in done.out
    assert program.json("resend", "1..2") == {"found": 0, "push": None}
    assert program("resend", "all").code == ExitCode.USAGE
