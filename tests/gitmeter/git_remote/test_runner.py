"""The git program runs in a clean environment, under limits, and never outlives them."""

import os
import signal
import time
from pathlib import Path

import pytest

from gitmeter.git_remote.failures import GitMissingError, GitTimeoutError
from gitmeter.git_remote.runner import config_environment, run_git
from gitmeter.support.errors import ExitCode


def test_a_failing_command_is_returned_with_what_it_said() -> None:
    result = run_git(["rev-parse", "--verify", "nothing"], timeout_s=30)
    assert result.returncode == 128
    assert "not a git repository" in result.stderr


def test_standard_input_reaches_git() -> None:
    result = run_git(["hash-object", "--stdin"], timeout_s=30, stdin=b"hello\n")
    assert result.stdout == b"ce013625030ba8dba906f756967f9e9ca394464a\n"


def test_git_variables_of_the_caller_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_TRACE", "1")
    result = run_git(
        ["init", "--quiet", "-b", "x", "--bare", "here.git"], cwd=tmp_path, timeout_s=30
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "here.git" / "HEAD").exists()
    assert not (tmp_path / "elsewhere").exists()


def test_the_users_configuration_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    assert run_git(["config", "user.name"], timeout_s=30).stdout == b""


def test_settings_come_through_the_environment() -> None:
    variables = config_environment({"a.b": "one two", "c.d": "3"})
    result = run_git(["config", "--get", "a.b"], timeout_s=30, environment=variables)
    assert result.stdout == b"one two\n"


@pytest.mark.parametrize("protocol", ["ext::sh -c true", "git://127.0.0.1/x", "http://127.0.0.1/x"])
def test_other_protocols_are_closed(protocol: str) -> None:
    result = run_git(["ls-remote", protocol], timeout_s=30)
    assert result.returncode == 128
    assert "not allowed" in result.stderr


def test_past_the_time_limit_git_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    alias = f"alias.wait=!echo $$ >{pids}; sleep 300 & echo $! >>{pids}; wait"
    with pytest.raises(GitTimeoutError, match="longer than 1 s") as raised:
        run_git(["-c", alias, "wait"], timeout_s=1)
    assert raised.value.exit_code is ExitCode.TRY_LATER
    for pid in pids.read_text().split():
        assert _ends(int(pid))


def test_a_file_past_the_limit_ends_git(tmp_path: Path) -> None:
    run_git(["init", "--bare", "."], cwd=tmp_path, timeout_s=30)
    write = ["hash-object", "-w", "--stdin"]
    big = os.urandom(100_000)
    kept = run_git(write, cwd=tmp_path, timeout_s=30, stdin=big, file_bytes_max=200_000)
    stopped = run_git(write, cwd=tmp_path, timeout_s=30, stdin=big + b"!", file_bytes_max=50_000)
    assert kept.returncode == 0
    assert stopped.returncode == -signal.SIGXFSZ


def test_memory_past_the_limit_ends_git(tmp_path: Path) -> None:
    run_git(["init", "--bare", "."], cwd=tmp_path, timeout_s=30)
    write = ["hash-object", "-w", "--stdin"]
    data = bytes(60_000_000)
    result = run_git(write, cwd=tmp_path, timeout_s=30, stdin=data, memory_bytes_max=40_000_000)
    assert result.returncode != 0
    assert "annot allocate memory" in result.stderr


def test_without_git_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitMissingError) as raised:
        run_git(["version"], timeout_s=30)
    assert "apt-get install git" in raised.value.hint


def _ends(pid: int) -> bool:
    """Whether a killed process is gone soon; the kernel takes its time on a busy machine."""
    for _ in range(300):
        if _is_gone(pid):
            return True
        time.sleep(0.1)
    return False


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet counts as ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in {"Z", "X"}
