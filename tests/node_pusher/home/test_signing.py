"""Every commit is signed with a key that this user alone has, and git takes the signature."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gitmeter.signing.signing_key import SigningKeyError
from gitmeter.support.files import write_durably
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, new_home
from node_pusher.home.own_key import own_key
from node_pusher.joining.init import init
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.history import status
from node_pusher.sending.push import push
from tests.node_pusher.conftest import NODE, START, commit_file, record, spool_count
from tests.support.programs import NodePusher
from tests.support.repos import bare_repo


def git_takes(home: Home, commit: str, signers: Path | None = None) -> bool:
    """Whether `git verify-commit` takes a commit; trust the exit code alone."""
    file = signers or home.path / "allowed_signers"
    config = ("-c", f"gpg.ssh.allowedSignersFile={file}", "-c", "safe.directory=*")
    command = ["git", "-C", str(home.repo.path), *config, "verify-commit", commit]
    # git hands ssh-keygen the commit's local time, which that misreads by the hour of summer time
    environment = os.environ | {"TZ": "UTC"}
    return (
        subprocess.run(command, capture_output=True, check=False, env=environment).returncode == 0
    )


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_git_takes_every_commit_of_a_home(home: Home) -> None:
    record(home, 2)
    push(home, START)
    record(home, 2)
    push(home, START, by_hour=True)
    commit_file(home, "rules/x.toml", b"# x\n", "rules: x\n")
    commits = [info.commit for info in LedgerRepo(home.repo).history()]
    assert len(commits) == 4
    assert [git_takes(home, commit) for commit in commits] == [True] * 4


def test_git_takes_the_line_that_the_operator_was_given(home: Home, tmp_path: Path) -> None:
    record(home)
    commit = push(home, START).head or ""
    (tmp_path / "signers").write_text(f"# keys\n{init(home, START).signer.line}\n")
    assert git_takes(home, commit, tmp_path / "signers")
    (tmp_path / "signers").write_text("# keys\n")
    assert not git_takes(home, commit, tmp_path / "signers")


@pytest.mark.parametrize("folder", [0o700, 0o2770])
def test_the_private_key_is_this_users_alone_also_in_a_shared_home(
    tmp_path: Path, remote_dir: Path, home: Home, folder: int
) -> None:
    shared = new_home(tmp_path / "shared", NODE, home.repo.remote)
    shared.path.mkdir()
    shared.path.chmod(folder)
    init(shared, START)
    assert mode_of(shared.path / "signing_key") == 0o600
    assert mode_of(shared.path / "signing_key.pub") == 0o644
    assert mode_of(shared.path / "allowed_signers") == 0o644


def test_the_same_init_again_keeps_the_key(home: Home) -> None:
    before = own_key(home.path, home.node)
    again = init(home, START)
    assert (again.signer, again.key_made) == (before, False)


def test_a_key_that_others_may_read_signs_nothing(home: Home) -> None:
    (home.path / "signing_key").chmod(0o640)
    record(home)
    with pytest.raises(SigningKeyError, match="others may read") as raised:
        push(home, START)
    assert "chmod 600" in raised.value.hint
    assert spool_count(home) == 1
    (home.path / "signing_key").chmod(0o600)
    assert push(home, START).retired == 1


def test_signers_that_others_may_write_are_not_believed(home: Home) -> None:
    (home.path / "allowed_signers").chmod(0o664)
    record(home)
    with pytest.raises(SigningKeyError, match="others may write"):
        push(home, START)


def _before_signing(home: Home) -> None:
    """As a version left it that did not sign."""
    for name in ("signing_key", "signing_key.pub", "allowed_signers"):
        (home.path / name).unlink()


def test_a_home_from_before_signing_gets_its_key_with_the_next_push(home: Home) -> None:
    """An upgrade stops no node; the line for the operator is in the warning, once."""
    _before_signing(home)
    assert status(home)["signing_key"] is None
    record(home)
    report = push(home, START)
    assert own_key(home.path, home.node).line in report.remark
    assert git_takes(home, report.head or "")
    record(home)
    assert push(home, START).remark == ""
    assert status(home)["signing_key"] == own_key(home.path, home.node).fingerprint


def test_a_home_from_before_signing_gets_its_key_with_the_next_init(home: Home) -> None:
    _before_signing(home)
    report = init(home, START)
    assert (report.outcome, report.key_made) == ("unchanged", True)
    assert report.signer == own_key(home.path, home.node)


def test_a_lost_key_is_replaced_by_init_alone_and_the_old_one_stays_trusted(home: Home) -> None:
    """A push must not go on with a key that nobody knows: the operator has to hear of it."""
    record(home)
    first = push(home, START).head or ""
    (home.path / "signing_key").unlink()
    record(home)
    with pytest.raises(HomeError, match="no signing key") as raised:
        push(home, START)
    assert "`init`" in raised.value.hint
    assert init(home, START).key_made
    second = push(home, START).head or ""
    assert git_takes(home, first)
    assert git_takes(home, second)


@pytest.mark.parametrize("died_after", ["signing_key", "allowed_signers", "signing_key.pub"])
def test_a_process_that_died_while_making_the_key_leaves_a_home_that_works(
    home: Home, monkeypatch: pytest.MonkeyPatch, died_after: str
) -> None:
    _before_signing(home)

    def die(file: Path, data: bytes, mode: int = 0o600) -> None:
        write_durably(file, data, mode)
        if file.name == died_after:
            raise KeyboardInterrupt

    record(home)
    with monkeypatch.context() as patch:
        patch.setattr("node_pusher.home.own_key.write_durably", die)
        with pytest.raises(KeyboardInterrupt):
            push(home, START)
    key = own_key(home.path, home.node)
    report = push(home, START)
    assert own_key(home.path, home.node) == key
    assert git_takes(home, report.head or "")
    assert (
        home.path / "signing_key.pub"
    ).read_text() == f"{' '.join(key.line.split()[2:])} {NODE}\n"


def test_nothing_is_written_through_what_somebody_left_in_the_way(home: Home) -> None:
    """The group of a shared home could leave a link where a draft is written."""
    secret = home.path / "elsewhere"
    secret.write_text("as it was")
    for link in (Path.symlink_to, Path.hardlink_to):
        draft = home.path / ".signing_key.next.new"
        link(draft, secret)
        write_durably(home.path / "signing_key.next", b"private")
        assert secret.read_text() == "as it was"
        assert not (home.path / "signing_key.next").is_symlink()
        assert mode_of(home.path / "signing_key.next") == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")
def test_a_key_that_somebody_else_put_there_signs_nothing(home: Home, tmp_path: Path) -> None:
    """Whoever may write to the folder can replace files, but not make them this user's."""
    other = new_home(tmp_path / "other", "other-01", home.repo.remote)
    shutil.copytree(home.path, other.path)
    key = home.path / "signing_key"
    key.unlink()
    shutil.copy(other.path / "signing_key", key)
    os.chown(key, 65534, -1)
    record(home)
    with pytest.raises(SigningKeyError, match="another user"):
        push(home, START)


def test_the_program_prints_the_line_at_any_time(tmp_path: Path) -> None:
    program = NodePusher(tmp_path / "home")
    remote = bare_repo(tmp_path / "remote.git").as_uri()
    made = program.json("init", "--node", NODE, "--remote", remote)
    line = made["allowed_signers_line"]
    assert program("show-key").out == f"{line}\n"
    assert program.json("show-key") == {
        "allowed_signers_line": line,
        "fingerprint": made["fingerprint"],
    }
    assert made["fingerprint"] in program("status").out
    everything = json.dumps(made) + program("status", "--json").out
    assert "PRIVATE" not in everything
