"""`doctor` finds what is broken, says what to do, changes nothing and never hangs.

Everything is broken for real: servers, disks, keys, clocks and spools.
"""

import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from gitmeter.git_remote.failures import RepoGoneError, TooLargeError, UnreachableError
from gitmeter.git_remote.remote import Remote
from node_pusher.doctor import examine as doctor
from node_pusher.doctor import home as doctor_home
from node_pusher.doctor import remote as doctor_remote
from node_pusher.doctor import system
from node_pusher.doctor.examine import CHECKS, examine, is_well
from node_pusher.doctor.findings import Finding, Severity, in_words
from node_pusher.doctor.system import judge_clock, judge_timer
from node_pusher.home.home import Home, new_home
from node_pusher.home.locks import push_lock
from node_pusher.home.settings_file import write_home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending import commit
from node_pusher.sending.commit import commit_unsent
from node_pusher.sending.push import push
from node_pusher.sending.resend import resend
from node_pusher.spool.api import Spool
from node_pusher.spool.plan import Span
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import NODE, START, MakeHome, record
from tests.node_pusher.listener.listening import PROGRAM, Listening
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.git_http_handler import Handler
from tests.support.repos import RepoWriter, bare_repo
from tests.support.sshd import SshServer

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small disk")
SOON = START + timedelta(minutes=10)


def look(home: Home, now: datetime = SOON) -> dict[str, Finding]:
    """What each check found; of several findings the worst."""
    order = list(Severity)
    findings = sorted(
        examine(home.path, home.settings.role, now), key=lambda f: order.index(f.health)
    )
    assert all(finding.do for finding in findings if finding.health is not Severity.OK)
    return {finding.check: finding for finding in findings}


def fingerprint(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file below a folder with its mode and content."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def server(tmp_path: Path, remote_dir: Path) -> Iterator[GitHttpServer]:
    tokens = {"remote.git": {"may-write": "write", "may-read": "read"}}
    with GitHttpServer(remote_dir.parent, tokens=tokens) as running:  # type: ignore[arg-type]
        yield running


def token(folder: Path, text: str) -> Path:
    return write_secret(folder / "token", f"{text}\n")


@pytest.fixture
def http_home(make_home: MakeHome, server: GitHttpServer, tmp_path: Path) -> Home:
    """A home that records and pushes over http with a token."""
    home = make_home(remote=Remote(server.url("remote.git"), token(tmp_path, "may-write")))
    record(home, 3)
    push(home, SOON)
    return home


def test_a_home_that_is_well_is_found_well_and_left_as_it_is(
    http_home: Home, remote_dir: Path
) -> None:
    record(http_home, 2, start=START + timedelta(seconds=30))
    before = fingerprint(http_home.path), fingerprint(remote_dir)
    findings = examine(http_home.path, "usage", datetime.now(UTC))
    assert (fingerprint(http_home.path), fingerprint(remote_dir)) == before
    names = [finding.check for finding in findings]
    assert list(dict.fromkeys(names)) == [
        name for check in CHECKS for name in ([check, "sent"] if check == "spool" else [check])
    ]
    unwell = {finding.check for finding in findings if finding.health is not Severity.OK}
    assert unwell <= {"timer", "disk", "sent"}  # this machine's own, and START was long ago


def test_program_exit_code_and_json_tell_programs(http_home: Home) -> None:
    done = run_doctor(http_home.path, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == (1 if said["problems"] else 0)
    assert {frozenset(check) for check in said["checks"]} == {
        frozenset({"check", "health", "says", "do"})
    }
    assert {check["health"] for check in said["checks"]} <= {"ok", "warning", "problem"}


def test_program_a_problem_is_exit_code_1_and_a_sentence_with_what_to_do(http_home: Home) -> None:
    (http_home.path / "signing_key").unlink()
    done = run_doctor(http_home.path)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.startswith("problem  key "))
    assert "there is no signing key" in lines[at]
    assert lines[at + 1].strip().startswith("-> run the same `init` again")


def test_program_a_folder_without_a_home_is_one_problem(tmp_path: Path) -> None:
    done = run_doctor(tmp_path / "nowhere", "--json")
    assert done.returncode == 1
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["check"], check["health"]) == ("settings", "problem")


def test_program_the_books_have_a_doctor_too(tmp_path: Path, remote_dir: Path) -> None:
    books = Path(sys.executable).with_name("books")
    for words in (["init", "--remote", remote_dir.as_uri()], ["push"], ["doctor"]):
        done = subprocess.run(
            [books, "--home", tmp_path / "books", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "ok       remote" in done.stdout


def run_doctor(home: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, "--home", home, "doctor", *options], capture_output=True, text=True, check=False
    )


def test_wrong_settings(home: Home) -> None:
    (home.path / "node.toml").write_text("node = 7\n")
    (finding,) = examine(home.path, "usage", SOON)
    assert (finding.check, finding.health) == ("settings", Severity.PROBLEM)
    assert "node.toml is not what `init` writes" in finding.says


def test_settings_a_folder_that_every_user_may_write(home: Home) -> None:
    home.path.chmod(0o777)
    assert look(home)["settings"].health is Severity.PROBLEM
    home.path.chmod(0o2770)
    assert "its group records here too" in look(home)["settings"].says


@needs_root
def test_settings_a_home_of_another_user(home: Home) -> None:
    os.chown(home.path, 12345, 12345)
    found = look(home)["settings"]
    assert found.health is Severity.WARNING
    assert "belongs to user 12345" in found.says
    assert found.do.startswith("setpriv --reuid=12345 --regid=12345 --clear-groups ")


def test_spool_a_missing_spool(home: Home) -> None:
    home.spool_file.unlink()
    found = look(home)["spool"]
    assert found.health is Severity.PROBLEM
    assert "the spool is missing" in found.says


def test_spool_a_spool_of_another_version(home: Home) -> None:
    with sqlite3.connect(home.spool_file) as spool:
        spool.execute("PRAGMA user_version = 99")
    spool.close()
    assert "version 99" in look(home)["spool"].says


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_spool_a_damaged_spool(home: Home, share: float) -> None:
    record(home, 2000)
    data = bytearray(home.spool_file.read_bytes())
    at = int(len(data) * share) // 4096 * 4096
    data[at : at + 4096] = b"\xff" * 4096
    home.spool_file.write_bytes(data)
    found = look(home)["spool"]
    assert found.health is Severity.PROBLEM
    assert "run `init` again" in found.do


def test_spool_a_spool_that_is_no_database(home: Home) -> None:
    home.spool_file.write_bytes(b"notes " * 1000)
    assert look(home)["spool"].health is Severity.PROBLEM


def test_spool_a_spool_too_large_to_be_checked_in_time(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home, 20_000)
    monkeypatch.setattr(doctor_home, "_QUICK_CHECK_S", -1)
    found = look(home)["spool"]
    assert found.health is Severity.WARNING
    assert "20000 records" in found.says


@pytest.mark.parametrize(
    ("hours", "health"), [(1, Severity.OK), (4, Severity.WARNING), (36, Severity.PROBLEM)]
)
def test_spool_records_that_wait_too_long(home: Home, hours: int, health: Severity) -> None:
    record(home, 3)
    found = look(home, START + timedelta(hours=hours))["sent"]
    assert found.health is health
    if health is not Severity.OK:
        assert f"waited {hours} hours" in found.says


def test_spool_old_times_recorded_after_the_last_push_do_not_wait(home: Home) -> None:
    """History that is imported is no backlog."""
    push(home, SOON)
    record(home, 3, start=START - timedelta(days=30))
    assert look(home, SOON + timedelta(hours=1))["sent"].health is Severity.OK
    assert look(home, SOON + timedelta(hours=30))["sent"].health is Severity.PROBLEM


def test_spool_nothing_to_send_but_no_push_for_days(home: Home) -> None:
    record(home)
    push(home, SOON)
    assert look(home, SOON + timedelta(hours=2))["sent"].health is Severity.OK
    found = look(home, SOON + timedelta(days=3))["sent"]
    assert found.health is Severity.WARNING
    assert "3 days ago" in found.says


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@needs_root
def test_disk_a_full_disk(make_home: MakeHome, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=40m"):
        home = make_home("disk/home")
        assert look(home)["disk"].health is Severity.WARNING
        with suppress(OSError):
            (tmp_path / "disk/filler").write_bytes(b"x" * 40_000_000)
        found = look(home)["disk"]
        assert found.health is Severity.PROBLEM
        assert found.says[:6] in {"0 MiB ", "1 MiB "}


@needs_root
def test_disk_a_disk_without_room_for_files(make_home: MakeHome, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=2g,nr_inodes=400"):
        assert look(make_home("disk/home"))["disk"].health is Severity.PROBLEM
    (tmp_path / "disk").rmdir()


@needs_root
def test_disk_a_disk_that_is_read_only(make_home: MakeHome, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "size=2g") as disk:
        home = make_home("disk/home")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        found = look(home)
    assert "read-only" in found["disk"].says
    assert found["spool"].health is Severity.PROBLEM


def test_lock_a_push_that_is_at_work(home: Home) -> None:
    with push_lock(home.path):
        found = look(home)["lock"]
    assert found.health is Severity.OK
    assert f"process {os.getpid()} commits or pushes now" in found.says
    assert "python" in found.says
    assert look(home)["lock"].says == "free"


def test_lock_a_push_that_hangs(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_home, "LOCK_HELD_LONG", timedelta(0))
    with push_lock(home.path):
        found = look(home)["lock"]
    assert found.health is Severity.PROBLEM
    assert f"kill {os.getpid()}" in found.do


def test_lock_looking_at_the_lock_makes_no_push_fail(home: Home) -> None:
    """It is not even taken for a moment."""
    over = threading.Event()

    def go_on_looking() -> None:
        while not over.is_set():
            doctor_home._holder(home.path / "push.lock")

    thread = threading.Thread(target=go_on_looking)
    thread.start()
    try:
        for _ in range(300):
            with push_lock(home.path):
                pass
    finally:
        over.set()
        thread.join()


def test_lock_locks_of_a_dead_git(home: Home) -> None:
    lock = home.repo.path / "refs/heads/main.lock"
    lock.touch()
    (home.repo.path / "HEAD.lock").touch()
    found = look(home)["lock"]
    assert found.health is Severity.WARNING
    assert "HEAD.lock, main.lock" in found.says
    assert lock.exists()


def test_key_no_key(home: Home) -> None:
    (home.path / "signing_key").unlink()
    assert look(home)["key"].health is Severity.PROBLEM


def test_key_a_key_that_others_may_read(home: Home) -> None:
    (home.path / "signing_key").chmod(0o644)
    found = look(home)["key"]
    assert found.health is Severity.PROBLEM
    assert found.do.startswith("chmod 600 ")


def test_key_a_key_that_is_no_key(home: Home) -> None:
    (home.path / "signing_key").write_text("hello\n")
    assert "holds no key" in look(home)["key"].says


def test_key_a_key_that_is_not_among_its_own(home: Home) -> None:
    (home.path / "allowed_signers").write_text("")
    found = look(home)["key"]
    assert found.health is Severity.PROBLEM
    assert "unknown key" in found.says


def restated(home: Home, remote: Remote) -> Home:
    """The same home, its settings changed by hand."""
    changed = new_home(home.path, home.node, remote)
    write_home(changed)
    return changed


def test_http_a_server_that_is_away(http_home: Home) -> None:
    found = look(restated(http_home, Remote("http://127.0.0.1:9/remote.git")))
    assert found["remote"].health is Severity.PROBLEM
    assert found["write"].health is Severity.PROBLEM
    assert found["key"].health is Severity.OK


def test_http_a_token_that_is_not_accepted(http_home: Home, tmp_path: Path) -> None:
    token(tmp_path, "made-up")
    found = look(http_home, datetime.now(UTC))
    assert "the token was not accepted" in found["remote"].says
    assert "check the token" in found["remote"].do
    assert found["clock"].health is Severity.OK


def test_http_a_token_file_that_is_gone(http_home: Home, tmp_path: Path) -> None:
    (tmp_path / "token").unlink()
    assert "the token file cannot be read" in look(http_home)["remote"].says


def test_http_a_token_that_only_reads(http_home: Home, tmp_path: Path) -> None:
    token(tmp_path, "may-read")
    found = look(http_home)
    assert found["remote"].health is Severity.OK
    assert found["write"].health is Severity.PROBLEM
    assert "what it may do on this repo" in found["write"].do


def test_http_a_repo_that_is_gone(http_home: Home, remote_dir: Path) -> None:
    remote_dir.rename(remote_dir.with_name("elsewhere.git"))
    assert look(http_home)["remote"].health is Severity.PROBLEM


def test_http_a_repo_that_was_emptied(http_home: Home, remote_dir: Path) -> None:
    shutil.rmtree(remote_dir)
    bare_repo(remote_dir)
    found = look(http_home)["remote"]
    assert found.health is Severity.PROBLEM
    assert "is empty" in found.says


def test_http_commits_that_wait_and_would_go_through(http_home: Home) -> None:
    record(http_home, 2, start=START + timedelta(seconds=30))
    with Store.open(http_home.spool_file, NODE) as store, push_lock(http_home.path):
        commit_unsent(store, LedgerRepo(http_home.repo), SOON, by_hour=False)
    found = look(http_home)
    assert "1 commit here build" in found["remote"].says
    assert found["write"].health is Severity.OK


def test_http_commits_of_somebody_else(http_home: Home, remote_dir: Path) -> None:
    RepoWriter(remote_dir).commit({"notes.txt": b"hello\n"})
    found = look(http_home)
    assert found["remote"].health is Severity.PROBLEM
    assert "--rejoin" in found["remote"].do
    assert "would be refused" in found["write"].says


def test_http_a_server_that_hangs_is_not_waited_for(
    http_home: Home, server: GitHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_remote, "TIMEOUT_S", 1)
    server.misbehave("hang")
    found = look(http_home)
    assert found["remote"].health is Severity.PROBLEM
    assert found["write"].health is Severity.PROBLEM
    server.behave()


def test_push_one_that_is_too_large_for_a_proxy_is_a_problem_until_it_goes_through(
    http_home: Home, server: GitHttpServer
) -> None:
    """No other check meets the limit: they send nothing."""
    assert look(http_home)["push"].health is Severity.OK
    server.body_bytes_max = 300
    record(http_home, 1, start=START + timedelta(seconds=30))
    for _ in range(2):
        with pytest.raises(TooLargeError):
            push(http_home, SOON)
        found = look(http_home)
        assert (found["remote"].health, found["write"].health) == (Severity.OK, Severity.OK)
        assert found["push"].health is Severity.PROBLEM
        assert found["push"].says.startswith("the one of 2026-11-21T13:15:00Z failed: ")
        assert "413" in found["push"].says
        assert "client_max_body_size" in found["push"].do
    server.body_bytes_max = None
    push(http_home, SOON)
    assert look(http_home)["push"].health is Severity.OK


def test_push_one_that_may_go_through_later_is_a_warning(
    http_home: Home, server: GitHttpServer
) -> None:
    server.misbehave("503", where="POST")
    record(http_home, 1, start=START + timedelta(seconds=30))
    with pytest.raises(UnreachableError):
        push(http_home, SOON)
    server.behave()
    assert look(http_home)["push"].health is Severity.WARNING
    assert "nothing is lost: 1 commit waits" in look(http_home)["push"].says


def test_push_what_was_kept_of_one_can_be_read_by_whoever_reads_the_settings(
    http_home: Home, server: GitHttpServer
) -> None:
    http_home.path.chmod(0o2770)
    write_home(http_home)
    server.misbehave("503")
    with pytest.raises(UnreachableError):
        push(http_home, SOON)
    modes = {(http_home.path / name).stat().st_mode for name in ("node.toml", "push_failed.json")}
    assert len(modes) == 1


@pytest.mark.parametrize("kept", ["", "{}", "\xff", '{"at":1}'])
def test_push_what_was_kept_of_one_is_damaged(home: Home, kept: str) -> None:
    (home.path / "push_failed.json").write_bytes(kept.encode("latin-1"))
    assert "push_failed.json" in look(home)["push"].says
    record(home)
    push(home, SOON)
    assert look(home)["push"].health is Severity.OK


def test_push_says_why_it_failed_where_that_cannot_be_kept(home: Home, remote_dir: Path) -> None:
    (home.path / "push_failed.json").mkdir()
    away = remote_dir.rename(remote_dir.with_name("away.git"))
    record(home)
    with pytest.raises(RepoGoneError):
        push(home, SOON)
    away.rename(remote_dir)
    assert push(home, SOON).retired == 1


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "sshd") as running:
        yield running


def test_ssh_keys_of_both_sides(make_home: MakeHome, ssh: SshServer, remote_dir: Path) -> None:
    url = ssh.url(remote_dir)
    good = Remote(url, None, ssh.key_file, ssh.known_hosts_file)
    home = make_home(remote=good)
    found = look(home)
    assert (found["remote"].health, found["write"].health) == (Severity.OK, Severity.OK)
    assert "OpenSSH" in found["programs"].says
    stranger = Remote(url, None, ssh.stranger_key_file, ssh.known_hosts_file)
    assert "check the token or key" in look(restated(home, stranger))["remote"].do
    other_host = Remote(url, None, ssh.key_file, ssh.wrong_known_hosts_file)
    assert "known_hosts" in look(restated(home, other_host))["remote"].do


@pytest.mark.parametrize(
    ("ahead_s", "health", "words"),
    [
        (0, Severity.OK, "within"),
        (20, Severity.OK, "within"),
        (100, Severity.WARNING, "behind"),
        (-100, Severity.WARNING, "ahead of"),
        (3600, Severity.PROBLEM, "60 minutes behind"),
        (-86400 * 9, Severity.PROBLEM, "9 days ahead of"),
    ],
)
def test_clock_against_the_remotes_date(
    http_home: Home,
    monkeypatch: pytest.MonkeyPatch,
    ahead_s: int,
    health: Severity,
    words: str,
) -> None:
    def date(_handler: Handler, _timestamp: float | None = None) -> str:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=ahead_s), usegmt=True)

    monkeypatch.setattr(Handler, "date_time_string", date)
    found = look(http_home, datetime.now(UTC))["clock"]
    assert found.health is health
    assert words in found.says.replace("59 minutes", "60 minutes")


@pytest.mark.parametrize("stated", ["", "yesterday"])
def test_clock_a_server_that_states_no_time(
    http_home: Home, monkeypatch: pytest.MonkeyPatch, stated: str
) -> None:
    monkeypatch.setattr(Handler, "date_time_string", lambda *_: stated)
    assert look(http_home, datetime.now(UTC))["clock"].check == "clock"


def test_clock_what_systemd_says_where_the_remote_shows_no_time(home: Home) -> None:
    assert judge_clock("yes").health is Severity.OK
    assert judge_clock("no").do == "timedatectl set-ntp true"
    assert judge_clock(None).health is Severity.WARNING
    assert "clock" in look(home)


def dates(home: Home, now: datetime) -> str:
    """What the check of dates finds wrong, and what to do."""
    found = [each for each in examine(home.path, "usage", now) if each.check == "dates"]
    return "\n".join(f"{each.health} {each.says} {each.do}" for each in found)


def test_dates_records_of_a_time_that_has_not_come(home: Home) -> None:
    record(home, 3)
    found = dates(home, START - timedelta(hours=3))
    assert "problem 3 records (seq 1..3)" in found
    assert "3 hours ahead of this machine's clock" in found
    assert f"books decide exclude {NODE} 1..3" in found
    assert dates(home, START - timedelta(minutes=4)).startswith("ok ")


def test_dates_a_push_that_has_not_been_yet(home: Home) -> None:
    record(home)
    push(home, START)
    found = dates(home, START - timedelta(minutes=6))
    assert "problem the last push was at 2026-11-21T13:05:00Z, 6 minutes ahead" in found
    assert dates(home, START - timedelta(minutes=4)).startswith("ok ")


def test_dates_a_clock_that_starts_in_1970(home: Home) -> None:
    found = look(home, datetime(1970, 1, 1, 0, 1, tzinfo=UTC))["dates"]
    assert found.health is Severity.PROBLEM
    assert "clock says 1970-01-01T00:01:00Z: nothing is recorded" in found.says


def test_dates_a_commit_of_the_future_below_others(home: Home) -> None:
    record(home)
    push(home, START + timedelta(days=1500))
    record(home)
    push(home, START)
    found = dates(home, START)
    assert found.count("\n") == 0
    assert "problem commit" in found
    assert "the aggregator bills nothing from that commit on" in found


def test_dates_records_that_an_older_version_dated_before_them(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(home, 3)
    with monkeypatch.context() as older:
        older.setattr(commit, "date_of", lambda *_: START - timedelta(hours=1))
        push(home, START)
    found = look(home, START)["dates"]
    assert found.health is Severity.PROBLEM
    assert found.do.endswith("resend 1..3")
    resend(home, Span(1, 3), START)
    assert look(home, START)["dates"].health is Severity.OK


TIMER = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled",
         "NextElapseUSecRealtime": "@1795266300"}  # fmt: skip
SERVICE = {"LoadState": "loaded", "Result": "success", "ExecMainStatus": "0",
           "ExecMainExitTimestamp": "@1795262700",
           "ExecStart": "{ path=/opt/gitmeter/bin/node-pusher ; argv[]=/opt/gitmeter/bin/"
                        "node-pusher --home /var/lib/node-pusher push ; }"}  # fmt: skip


@pytest.mark.parametrize(
    ("timer", "service", "health", "words"),
    [
        ({}, {}, Severity.OK, "at 2026-11-21T12:05:00Z; next at 2026-11-21T13:05:00Z"),
        ({}, {"ExecMainExitTimestamp": ""}, Severity.OK, "no push yet"),
        ({"LoadState": "not-found"}, {}, Severity.WARNING, "not installed"),
        ({}, {"LoadState": "not-found"}, Severity.WARNING, "not installed"),
        ({}, {"ExecStart": "{ argv[]=x --home /srv push ; }"}, Severity.WARNING, "another home"),
        ({"ActiveState": "inactive"}, {}, Severity.PROBLEM, "not running"),
        ({}, {"Result": "exit-code"}, Severity.PROBLEM, "ended with exit-code"),
        ({}, {"ExecMainStatus": "75"}, Severity.WARNING, "could not be finished"),
        ({"UnitFileState": "disabled"}, {}, Severity.WARNING, "does not start by itself"),
    ],
)
def test_timer_what_its_facts_mean(
    timer: dict[str, str], service: dict[str, str], health: Severity, words: str
) -> None:
    found = judge_timer("node-pusher", TIMER | timer, SERVICE | service, "/var/lib/node-pusher")
    assert found.health is health
    assert words in found.says
    assert found.do or health is Severity.OK


def test_timer_a_machine_without_systemd(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(only_git(Path("bin"))))
    found = look(home)["timer"]
    assert found.health is Severity.WARNING
    assert "systemd does not answer" in found.says


def only_git(folder: Path) -> Path:
    """A folder of programs with git alone."""
    folder.mkdir()
    git = shutil.which("git")
    assert git is not None
    (folder / "git").symlink_to(git)
    return folder.absolute()


def test_programs_without_git(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bin").mkdir()
    monkeypatch.setenv("PATH", str(Path("bin").absolute()))
    found = look(home)
    assert found["programs"] == Finding(
        "programs", Severity.PROBLEM, "the git program does not run", "apt-get install git"
    )
    assert found["write"].health is Severity.PROBLEM


def test_programs_a_git_that_is_too_old(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bin").mkdir()
    Path("bin/git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    Path("bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path('bin').absolute()}:{os.environ['PATH']}")
    found = look(home)["programs"]
    assert found.health is Severity.PROBLEM
    assert "git version 2.30.2 is too old: 2.39 is the least" in found.says


def test_listener_one_that_answers(home: Home) -> None:
    with Listening(home.path):
        assert look(home)["listener"].says == f"answers at {home.path / 'listen.sock'}"
    with Spool.open(home.path) as spool:
        assert spool.store.count() == 0


def test_listener_one_that_died(home: Home) -> None:
    with Listening(home.path) as listening:
        listening.kill()
    found = look(home)["listener"]
    assert found.health is Severity.PROBLEM
    assert "services cannot record" in found.says


def test_listener_one_whose_clients_are_idle_has_room(home: Home) -> None:
    with Listening(home.path, "--connections", "1") as listening, listening.client() as client:
        client.ask(b"{}")
        assert look(home)["listener"].health is Severity.OK


def test_listener_one_that_hangs_or_is_something_else(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "_TIMEOUT_S", 1)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(os.path.relpath(home.path / "listen.sock"))
        other.listen()
        assert "does not answer" in look(home)["listener"].says

        def greet() -> None:
            while True:
                connected, _ = other.accept()
                with connected:
                    connected.recv(100)
                    connected.sendall(b"220 mail\n")
                    return

        thread = threading.Thread(target=greet)
        other.accept()[0].close()  # the look above
        thread.start()
        assert "something else answers" in look(home)["listener"].says
        thread.join()


def test_a_check_that_does_not_come_back_is_left_behind(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()

    def hang(_patient: Any) -> list[Finding]:  # noqa: ANN401 - nobody looks at it
        never.wait()
        return []

    monkeypatch.setitem(doctor.CHECKS, "disk", hang)
    found = {f.check: f for f in examine(home.path, "usage", SOON, timeout_s=5)}
    assert found["disk"].health is Severity.PROBLEM
    assert "did not end in time" in found["disk"].says
    assert found["key"].health is Severity.OK
    never.set()


def test_a_bug_in_a_check_is_not_swallowed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_patient: Any) -> list[Finding]:  # noqa: ANN401 - nobody looks at it
        raise KeyError("disk")

    monkeypatch.setitem(doctor.CHECKS, "disk", broken)
    with pytest.raises(KeyError):
        examine(home.path, "usage", SOON)


def test_a_warning_is_no_problem() -> None:
    fine = Finding("a", Severity.OK, "")
    assert is_well([fine, Finding("b", Severity.WARNING, "", "x")])
    assert not is_well([fine, Finding("b", Severity.PROBLEM, "", "x")])


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (119, "119 seconds"), (120, "2 minutes"),
     (7199, "119 minutes"), (7200, "2 hours"), (172_799, "47 hours"), (-200_000, "2 days")],
)  # fmt: skip
def test_spans_in_words(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
