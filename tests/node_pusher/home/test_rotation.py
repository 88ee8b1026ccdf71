"""Another key may sign at any time, and no crash on the way costs a commit or a key in use."""

from pathlib import Path

import pytest

from gitmeter.support.files import sync_folder, write_durably
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home
from node_pusher.home.own_key import own_key, prepare_rotation, rotate
from node_pusher.joining.init import init
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.push import push
from tests.node_pusher.conftest import NODE, START, record
from tests.node_pusher.home.test_signing import git_takes, mode_of
from tests.support.programs import NodePusher
from tests.support.repos import bare_repo


def private_keys(home: Home) -> set[bytes]:
    """Every private key that is anywhere in a home."""
    contents = [file.read_bytes() for file in home.path.iterdir() if file.is_file()]
    return {data for data in contents if b"PRIVATE KEY" in data}


def test_after_a_rotation_the_new_key_signs_and_the_old_one_is_trusted(home: Home) -> None:
    record(home)
    first = push(home, START).head or ""
    old, old_private = own_key(home.path, home.node), private_keys(home)
    new = rotate(home.path, home.node)
    assert own_key(home.path, home.node) == new != old
    assert private_keys(home).isdisjoint(old_private)
    assert len(private_keys(home)) == 1
    assert mode_of(home.path / "signing_key") == 0o600
    record(home)
    second = push(home, START).head or ""
    assert git_takes(home, first)
    assert git_takes(home, second)


@pytest.mark.parametrize(("after", "key_number"), [("20261121130000Z", 1), ("20261121140000Z", 0)])
def test_git_tells_the_two_keys_apart_by_their_windows(
    home: Home, tmp_path: Path, after: str, key_number: int
) -> None:
    """The operator's side: both lines, the old one closed and the new one open from an hour on."""
    lines = [own_key(home.path, home.node).line, rotate(home.path, home.node).line]
    closed = lines[0].replace("namespaces", f'valid-before="{after}",namespaces')
    opened = lines[1].replace("namespaces", f'valid-after="{after}",namespaces')
    (tmp_path / "signers").write_text(f"{closed}\n{opened}\n")
    record(home)
    assert git_takes(home, push(home, START).head or "", tmp_path / "signers") is bool(key_number)


def test_a_key_can_be_prepared_before_it_is_used(home: Home) -> None:
    before = own_key(home.path, home.node)
    prepared = prepare_rotation(home.path, home.node)
    assert prepare_rotation(home.path, home.node) == prepared
    assert own_key(home.path, home.node) == before
    assert prepared.line not in (home.path / "allowed_signers").read_text()
    assert rotate(home.path, home.node) == prepared == own_key(home.path, home.node)
    assert rotate(home.path, home.node) != prepared


def test_commits_of_every_earlier_key_are_taken_over(home: Home) -> None:
    record(home)
    push(home, START)
    rotate(home.path, home.node)
    rotate(home.path, home.node)
    for file in home.path.glob("spool.db*"):
        file.unlink()
    (home.repo.path / "refs/heads/main").unlink()
    (home.repo.path / "refs/remotes/origin/main").unlink()
    assert init(home, START).spool_lost
    assert LedgerRepo(home.repo).tip is not None


class Died(BaseException):
    """Where the process was killed."""


def _dies_at(monkeypatch: pytest.MonkeyPatch, step: int, *, after: bool) -> None:
    """Let the process die before or after the n-th thing that it puts on disk."""
    taken = [0]

    def on_disk(work: "object", *arguments: object) -> None:
        taken[0] += 1
        if taken[0] == step and not after:
            raise Died
        work(*arguments)  # type: ignore[operator] # a function
        if taken[0] == step:
            raise Died

    real_replace = Path.replace
    monkeypatch.setattr(
        "node_pusher.home.own_key.write_durably", lambda *a: on_disk(write_durably, *a)
    )
    monkeypatch.setattr("node_pusher.home.own_key.sync_folder", lambda *a: on_disk(sync_folder, *a))
    monkeypatch.setattr(
        Path,
        "replace",
        lambda path, target: (
            on_disk(real_replace, path, target)
            if path.name == "signing_key.next"
            else real_replace(path, target)
        ),
    )


STEPS = 5
"""Next key, its line, the rename, the folder, the `.pub` file."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_wherever_a_rotation_dies_the_home_goes_on(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: int, *, after: bool
) -> None:
    record(home)
    first = push(home, START).head or ""
    old = own_key(home.path, home.node)
    with monkeypatch.context() as patch:
        _dies_at(patch, step, after=after)
        with pytest.raises(Died):
            rotate(home.path, home.node)
    in_use = own_key(home.path, home.node)
    record(home)
    second = push(home, START).head or ""
    assert own_key(home.path, home.node) == in_use
    assert git_takes(home, first)
    assert git_takes(home, second)
    finished = rotate(home.path, home.node)
    assert own_key(home.path, home.node) == finished
    assert finished not in {old, in_use}
    assert len(private_keys(home)) == 1
    record(home)
    assert git_takes(home, push(home, START).head or "")


def test_a_rotation_has_no_further_step(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above kills it at every one."""
    with monkeypatch.context() as patch:
        _dies_at(patch, STEPS + 1, after=False)
        rotate(home.path, home.node)


def test_a_home_without_a_key_has_nothing_to_rotate(home: Home) -> None:
    (home.path / "signing_key").unlink()
    for work in (rotate, prepare_rotation):
        with pytest.raises(HomeError, match="no signing key"):
            work(home.path, home.node)
    assert private_keys(home) == set()


def test_the_program_rotates(tmp_path: Path) -> None:
    program = NodePusher(tmp_path / "home")
    remote = bare_repo(tmp_path / "remote.git").as_uri()
    made = program.json("init", "--node", NODE, "--remote", remote)
    prepared = program.json("rotate-key", "--prepare")
    assert prepared["in_use"] is False
    assert program("rotate-key", "--prepare").out == f"{prepared['allowed_signers_line']}\n"
    assert program("show-key").out == f"{made['allowed_signers_line']}\n"
    assert program("rotate-key").out == f"{prepared['allowed_signers_line']}\n"
    assert program("show-key").out == f"{prepared['allowed_signers_line']}\n"
