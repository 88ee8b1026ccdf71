"""One process at a time pushes from a home; recording goes on beside it."""

import subprocess
import sys
import time
from pathlib import Path

from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import ExitCode
from node_pusher.home.home import Home
from tests.node_pusher.conftest import MakeHome, record, spool_count
from tests.support.git_http import GitHttpServer

PROGRAM = "import sys; from node_pusher.cli import main; sys.argv[0] = 'node-pusher'; main()"
PATIENCE_S = 60


def command(home: Home, *arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "--home", str(home.path), *arguments]


def test_a_second_pusher_is_told_to_try_later(
    tmp_path: Path, remote_dir: Path, make_home: MakeHome
) -> None:
    """While the first waits for its server; nothing is lost, and the first one ends well."""
    with GitHttpServer(tmp_path) as server:
        home = make_home(remote=Remote(server.url(remote_dir.name)))
        record(home, 3)
        server.misbehave("hang", times=1)
        asked = server.count()
        with subprocess.Popen(
            command(home, "push"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as first:
            end = time.monotonic() + PATIENCE_S
            while server.count() == asked:
                assert first.poll() is None, first.communicate()
                assert time.monotonic() < end
                time.sleep(0.02)
            second = subprocess.run(
                command(home, "push"), check=False, capture_output=True, text=True
            )
            assert second.returncode == ExitCode.TRY_LATER
            assert "another process is committing or pushing" in second.stderr
            assert "nothing is lost" in second.stderr
            server.behave()
            first.communicate(timeout=PATIENCE_S)
        assert subprocess.run(command(home, "push"), check=False).returncode == 0
    assert spool_count(home) == 0
