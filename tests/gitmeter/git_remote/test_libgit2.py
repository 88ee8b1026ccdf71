"""What a person has in their own git configuration makes no difference, not even a mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.repos import bare_repo

NODE = """
from datetime import UTC, datetime
from pathlib import Path
from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import new_home
from node_pusher.joining.init import init
from node_pusher.sending.history import status
from node_pusher.sending.push import push

remote, now = Remote(Path("remote.git").absolute().as_uri()), datetime.now(UTC)
home = new_home(Path("home"), "n", remote)
init(home, now), init(home, now, rejoin=True), push(home, now), status(home)
"""
MIRROR = """
from pathlib import Path
from aggregator.config.known_repo import KnownRepo
from aggregator.mirrors.mirror import Mirror

for _ in range(2):
    Mirror(Path("mirror.git"), KnownRepo("n", "n", "usage", "main"))
Mirror.known_repo(Path("mirror.git"))
"""
PROGRAMS = {"node": NODE, "mirror": MIRROR}


@pytest.mark.parametrize("text", ["[core\n", "[core]\n\trepositoryformatversion = 9\n", "\0"])
@pytest.mark.parametrize("file", [".gitconfig", ".config/git/config"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_mistake_in_the_users_configuration_is_of_no_influence(
    tmp_path: Path, program: str, file: str, text: str
) -> None:
    bare_repo(tmp_path / "remote.git")
    mistaken = tmp_path / "user" / file
    mistaken.parent.mkdir(parents=True)
    mistaken.write_text(text)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "XDG_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAMS[program]],
        cwd=tmp_path,
        env=kept | {"HOME": str(tmp_path / "user")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
