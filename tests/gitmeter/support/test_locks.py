"""One process at a time: a lock is held by who has it, waited for, and released by a death."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gitmeter.support.locks import LockedError, locked, open_folder, try_lock

HOLDS_IT = """
import sys, time
from pathlib import Path
from gitmeter.support.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"), pytest.raises(LockedError), locked(tmp_path / "lock"):
        pass
    with locked(tmp_path / "lock"):
        pass


def test_a_lock_is_waited_for(tmp_path: Path) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(tmp_path / "lock"):
            held.set()
            release.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    threading.Timer(0.1, release.set).start()
    with locked(tmp_path / "lock", wait_s=60):
        assert release.is_set()
    holder.join()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS_IT, str(tmp_path / "lock")], stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LockedError), locked(tmp_path / "lock"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with locked(tmp_path / "lock"):
            pass


def test_a_link_in_the_place_of_a_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"), locked(tmp_path / "lock"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_shared_locks_of_a_folder_keep_out_an_exclusive_one(tmp_path: Path) -> None:
    first, second, third = (open_folder(tmp_path) for _ in range(3))
    try:
        assert try_lock(first, shared=True)
        assert try_lock(second, shared=True)
        assert not try_lock(third)
    finally:
        for descriptor in (first, second):
            os.close(descriptor)
    assert try_lock(third)
    os.close(third)
