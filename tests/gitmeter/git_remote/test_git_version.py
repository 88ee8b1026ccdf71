"""A git program that is too old is named as such, where it is cheap to look or something failed."""

import os
from pathlib import Path

import pytest

from gitmeter.git_remote.git_version import GitTooOldError, is_too_old
from gitmeter.git_remote.remote import Remote
from gitmeter.git_remote.runner import check_git_version, run_git
from node_pusher.home.home import new_home
from node_pusher.joining.init import init
from tests.node_pusher.conftest import NODE, START
from tests.support.programs import run_aggregator
from tests.support.repos import bare_repo

OLD_GIT = """#!/bin/sh
[ "$1" = version ] && echo git version 2.30.2 && exit
echo "error: unknown option" >&2
exit 129
"""


@pytest.fixture
def _old_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(OLD_GIT)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("printed", "old"),
    [
        ("git version 2.39.5", False),
        ("git version 2.39.0.windows.1", False),
        ("git version 2.100.0", False),
        ("git version 3.0.0-rc1", False),
        ("git version 2.38.9", True),
        ("git version 1.99", True),
        ("git version of the future", False),
    ],
)
def test_the_least_version_is_that_of_debian_12(printed: str, *, old: bool) -> None:
    assert is_too_old(printed) is old


def test_the_git_of_this_machine_will_do(tmp_path: Path) -> None:
    check_git_version()
    assert run_git(["ls-remote", "--no-such-option"], cwd=tmp_path, timeout_s=30).returncode == 129


@pytest.mark.usefixtures("_old_git")
def test_an_option_that_it_does_not_know_tells_its_age() -> None:
    with pytest.raises(GitTooOldError, match=r"2\.30\.2 is too old: 2\.39 is the least"):
        run_git(["fetch", "--refetch"], timeout_s=30)


@pytest.mark.usefixtures("_old_git")
def test_nothing_is_made_with_a_git_that_is_too_old(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home", NODE, Remote(bare_repo(tmp_path / "r.git").as_uri()))
    with pytest.raises(GitTooOldError):
        init(home, START)
    assert not home.path.exists()
    said = run_aggregator("--config", str(tmp_path / "a.toml"), "init")
    assert (said.code, "2.39 is the least" in said.err) == (1, True)
    assert not (tmp_path / "a.toml").exists()
