"""A file that is replaced is the old or the new one, whoever else writes it, and whatever it is."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gitmeter.support.files import replacing

_SLOW = """
import sys, time
from pathlib import Path
from gitmeter.support.files import replacing
with replacing(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    print("begun", flush=True)
    time.sleep(60)
"""


def listed(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_until_the_end_the_old_file_is_there(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"old")
    with replacing(file) as stream:
        stream.write(b"new")
        stream.flush()
        assert listed(tmp_path)["rows.csv"] == b"old"
    assert listed(tmp_path) == {"rows.csv": b"new"}


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    """Each finds its own content whole, and the one that ends last stays."""
    file = tmp_path / "rows.csv"
    with replacing(file) as first:
        first.write(b"first")
        with replacing(file) as second:
            second.write(b"second")
        assert listed(tmp_path)["rows.csv"] == b"second"
        first.write(b", whole")
    assert listed(tmp_path) == {"rows.csv": b"first, whole"}


def test_a_process_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"old")
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW, str(file)], stdout=subprocess.PIPE, text=True
    ) as slow:
        assert slow.stdout is not None
        assert slow.stdout.readline() == "begun\n"
        slow.send_signal(signal.SIGKILL)
    assert listed(tmp_path) == {"rows.csv": b"old"}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_the_new_file_may_be_read_by_whom_the_old_one_could(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"old")
    file.chmod(mode)
    with replacing(file) as stream:
        stream.write(b"new")
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_the_umask_says(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    with replacing(tmp_path / "rows.csv") as stream:
        stream.write(b"new")
    assert (tmp_path / "rows.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(b"old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with replacing(tmp_path / "link.csv") as stream:
        stream.write(b"new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == b"new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with replacing(pipe) as stream:
        stream.write(b"new")
    reader.join()
    assert read == [b"new"]
    assert pipe.is_fifo()


def test_where_no_file_can_be_without_a_name_a_draft_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)
    with replacing(tmp_path / "rows.csv") as stream:
        stream.write(b"new")
        assert len(listed(tmp_path)) == 1
    assert listed(tmp_path) == {"rows.csv": b"new"}
