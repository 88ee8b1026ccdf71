"""What is wrong below a home or with who runs is named as such, with the line that helps."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gitmeter.support.errors import GitmeterError
from node_pusher.home.home import Home
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.node_pusher.conftest import START, MakeHome, record
from tests.support.programs import NodePusher

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts disks")
NOBODY = 65534


@contextmanager
def disk(place: Path, options: str) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def said(home: Home) -> list[GitmeterError]:
    """What `record` and `push` say."""
    found = []
    for work in (lambda: record(home), lambda: push(home, START)):
        try:
            work()
        except GitmeterError as error:
            found.append(error)
    return found


@needs_root
def test_a_disk_without_inodes_is_named_as_such(make_home: MakeHome, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=20m,nr_inodes=100") as place:
        home = make_home("disk/home")
        record(home)
        for number in range(100):
            try:
                (place / str(number)).touch()
            except OSError:
                break
        for error in (errors := said(home)):
            assert "no inodes left" in str(error)
            assert "df -i" in error.hint
        assert len(errors) == 2
        for file in place.iterdir():
            if file.is_file():
                file.unlink()
        assert push(home, START).retired == 1


@needs_root
def test_a_read_only_disk_is_named_as_such(make_home: MakeHome, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "size=20m") as place:
        home = make_home("disk/home")
        record(home)
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        for error in (errors := said(home)):
            assert "read-only" in str(error)
            assert "mount it for writing" in error.hint
        assert len(errors) == 2
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
        assert push(home, START).retired == 1


@needs_root
@pytest.mark.parametrize(
    "command",
    ["push", "log", "status", "rotate-key --prepare", "rotate-key", "show-key"],
)
def test_root_is_told_the_line_that_runs_as_the_owner(home: Home, command: str) -> None:
    record(home)
    for file in (home.path, *home.path.rglob("*")):
        os.chown(file, NOBODY, NOBODY)
    program = NodePusher(home.path)
    done = program(*command.split())
    if done.code:
        assert "belongs to" in done.err
        line = f"runuser -u nobody -- node-pusher --home {home.path} {command}"
        assert f"hint: {line}\n" in done.err
    assert command != "push" or done.code
    owners = {file.stat().st_uid for file in home.path.rglob("*")}
    assert owners == {NOBODY}, "nothing was made that the owner cannot use"


@needs_root
def test_root_records_for_a_home_that_is_anothers(home: Home) -> None:
    """A service that runs as root is a service as well."""
    for file in (home.path, *home.path.rglob("*")):
        os.chown(file, NOBODY, NOBODY)
    with Spool.open(home.path) as spool:
        assert spool.record(user="a", resource="r", units=1).seq == 1
        assert {file.stat().st_uid for file in home.path.glob("spool.db*")} == {NOBODY}


@pytest.mark.parametrize("content", [b"", b"\0" * 23, b"\n", None])
def test_a_lost_head_is_written_again(home: Home, content: bytes | None) -> None:
    """A power cut leaves a file empty; the git program then takes the folder for no repo."""
    record(home)
    head = home.repo.path / "HEAD"
    if content is None:
        head.unlink()
    else:
        head.write_bytes(content)
    assert push(home, START).retired == 1
    assert head.read_bytes() == b"ref: refs/heads/main\n"
    assert LedgerRepo(home.repo).tip is not None
