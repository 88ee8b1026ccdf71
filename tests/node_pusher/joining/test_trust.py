"""A home signs on top of nothing but its own commits, unless a person answers for more."""

import shutil
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import FileMode, ObjectType

from gitmeter.git_remote.remote import Remote
from gitmeter.signing.allowed_signers import AllowedSignersError
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home, new_home
from node_pusher.home.layout import make_folder
from node_pusher.home.own_key import own_key
from node_pusher.joining.init import init
from node_pusher.joining.trust import Vouched
from node_pusher.repo import trees
from node_pusher.sending.push import push
from node_pusher.sending.readme import README_PATH
from tests.node_pusher.conftest import NODE, START, MakeHome, record, spool_count
from tests.support.programs import NodePusher
from tests.support.repos import RepoWriter, bare_repo, segment_path, usage_line

SEGMENT = {segment_path(START.date(), 1): usage_line(node=NODE)}


@pytest.fixture
def pushed(home: Home) -> str:
    """The commit that another machine of the node has pushed."""
    record(home, 2)
    return push(home, START).head or ""


def replacement(tmp_path: Path, remote_dir: Path) -> Home:
    return new_home(tmp_path / "replacement", NODE, Remote(remote_dir.as_uri()))


def test_history_of_an_unknown_key_is_not_built_on_and_the_error_has_both_ways_out(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str
) -> None:
    wanted = replacement(tmp_path, remote_dir)
    with pytest.raises(HomeError, match="not among the allowed ones") as raised:
        init(wanted, START)
    assert own_key(home.path, home.node).fingerprint in str(raised.value)
    assert "--allowed-signers" in raised.value.hint
    assert f"--trust-tip {pushed}" in raised.value.hint
    assert [file.name for file in wanted.path.iterdir()] == ["push.lock"]


def nested(writer: RepoWriter, *, deep: int) -> str:
    """A commit of folders that hold themselves: 20 to the power of `deep` files in a few trees."""
    entry: tuple[pygit2.Oid, FileMode] = (writer.repo.create_blob(b"x"), FileMode.BLOB)
    for _ in range(deep):
        builder = writer.repo.TreeBuilder()
        for name in range(20):
            builder.insert(f"{name:02d}", *entry)
        entry = (builder.write(), FileMode.TREE)
    top = writer.repo.TreeBuilder()
    top.insert("usage", *entry)
    person = pygit2.Signature("n", "n@example.invalid", 1764000000, 0)
    made = writer.repo.create_commit(None, person, person, "x", top.write(), [])
    writer.force(str(made))
    return str(made)


def test_folders_of_a_commit_that_nobody_vouches_for_are_not_opened(
    tmp_path: Path, remote_dir: Path
) -> None:
    nested(RepoWriter(remote_dir), deep=12)
    with pytest.raises(HomeError, match="the commit is not signed"):
        init(replacement(tmp_path, remote_dir), START)


def test_only_as_many_files_are_listed_as_a_pusher_may_have_written(
    tmp_path: Path, remote_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names a commit may not have looked into every folder of it."""
    tip = nested(RepoWriter(remote_dir), deep=12)
    monkeypatch.setattr(trees, "ENTRIES_MAX", 5000)
    with pytest.raises(HomeError, match="more than 5000 files"):
        init(replacement(tmp_path, remote_dir), START, vouched=Vouched(tip=tip))


def test_the_keys_of_the_old_machine_are_one_way_out(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str
) -> None:
    wanted = replacement(tmp_path, remote_dir)
    vouched = Vouched(signers_file=home.path / "allowed_signers")
    assert init(wanted, START, vouched=vouched).outcome == "joined"
    record(wanted)
    assert push(wanted, START).retired == 1


@pytest.mark.parametrize("listed", ["nothing", "another key", "no file"])
def test_a_rebuilt_home_builds_on_what_its_own_key_signed(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str, make_home: MakeHome, listed: str
) -> None:
    """The private key was put back; what lists public halves was lost, or is of another key."""
    wanted = replacement(tmp_path, remote_dir)
    make_folder(wanted.path)
    shutil.copy(home.path / "signing_key", wanted.path)
    if listed != "no file":
        other = make_home("other", Remote(bare_repo(tmp_path / "other.git").as_uri()))
        text = (other.path / "allowed_signers").read_text() if listed == "another key" else ""
        (wanted.path / "allowed_signers").write_text(text)
    report = init(wanted, START)
    assert (report.outcome, report.key_made) == ("joined", False)
    record(wanted)
    assert push(wanted, START).retired == 1
    assert own_key(home.path, NODE).line in (wanted.path / "allowed_signers").read_text()


def test_a_key_that_was_closed_in_a_home_does_not_vouch_there(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str
) -> None:
    """It may have been stolen."""
    wanted = replacement(tmp_path, remote_dir)
    make_folder(wanted.path)
    shutil.copy(home.path / "signing_key", wanted.path)
    closed = own_key(home.path, NODE).line.replace(
        'namespaces="git"', 'namespaces="git",valid-before="20261121130459Z"'
    )
    (wanted.path / "allowed_signers").write_text(f"{closed}\n")
    with pytest.raises(HomeError, match="not valid any more"):
        init(wanted, START)


def test_naming_the_commit_is_the_other(tmp_path: Path, remote_dir: Path, pushed: str) -> None:
    wanted = replacement(tmp_path, remote_dir)
    assert init(wanted, START, vouched=Vouched(tip=pushed)).outcome == "joined"
    assert init(wanted, START, vouched=Vouched(tip=pushed)).outcome == "unchanged"


def test_naming_another_commit_than_the_tip_trusts_nothing(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str
) -> None:
    """Between the look and the command somebody may have pushed."""
    record(home)
    moved = push(home, START).head or ""
    with pytest.raises(HomeError, match=f"is at {moved}, which is not the {pushed}"):
        init(replacement(tmp_path, remote_dir), START, vouched=Vouched(tip=pushed))


@pytest.mark.parametrize("name", ["HEAD", "main", "0" * 39, "A" * 40, ""])
def test_only_the_whole_id_names_a_commit(
    tmp_path: Path, remote_dir: Path, pushed: str, name: str
) -> None:
    wanted = replacement(tmp_path, remote_dir)
    with pytest.raises(HomeError, match="40 hex digits"):
        init(wanted, START, vouched=Vouched(tip=name))
    assert not wanted.path.exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('valid-before="20261121130459Z"', "not valid any more"),
        ('valid-after="20261121130501Z"', "not valid yet"),
        ('namespaces="file"', "not among the allowed ones"),
    ],
)
def test_keys_that_are_given_count_only_while_they_are_valid(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str, options: str, said: str
) -> None:
    signers = tmp_path / "signers"
    signers.write_text(
        f"{NODE} {options} {' '.join(own_key(home.path, home.node).line.split()[2:])}\n"
    )
    with pytest.raises(HomeError, match=said):
        init(replacement(tmp_path, remote_dir), START, vouched=Vouched(signers_file=signers))


def test_the_keys_of_another_node_do_not_help(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str
) -> None:
    signers = tmp_path / "signers"
    signers.write_text(own_key(home.path, home.node).line.replace(NODE, "other-01", 1))
    with pytest.raises(HomeError, match=f"may not sign for {NODE}"):
        init(replacement(tmp_path, remote_dir), START, vouched=Vouched(signers_file=signers))


def test_a_file_of_keys_that_is_wrong_is_told_before_anything_is_made(
    tmp_path: Path, remote_dir: Path
) -> None:
    (tmp_path / "signers").write_text("embedder-01 ssh-rsa AAAA\n")
    wanted = replacement(tmp_path, remote_dir)
    with pytest.raises(AllowedSignersError, match="signers, line 1"):
        init(wanted, START, vouched=Vouched(signers_file=tmp_path / "signers"))
    assert not wanted.path.exists()


def test_history_from_before_signing_must_be_named(tmp_path: Path, remote_dir: Path) -> None:
    commit = RepoWriter(remote_dir).commit(SEGMENT)
    wanted = replacement(tmp_path, remote_dir)
    with pytest.raises(HomeError, match="not signed"):
        init(wanted, START)
    assert init(wanted, START, vouched=Vouched(tip=commit)).outcome == "joined"


def test_what_a_forge_puts_into_a_new_repo_needs_nobody(tmp_path: Path, remote_dir: Path) -> None:
    RepoWriter(remote_dir).commit({README_PATH: b"# new", "LICENSE": b"", ".gitignore": b""})
    assert init(replacement(tmp_path, remote_dir), START).outcome == "joined"


@pytest.mark.parametrize("files", [{"rules/prices.toml": b""}, {"decisions/x": b""}])
def test_what_could_be_billed_by_does(
    tmp_path: Path, remote_dir: Path, files: dict[str, bytes | None]
) -> None:
    RepoWriter(remote_dir).commit({README_PATH: b"# new", **files})
    with pytest.raises(HomeError, match="not signed"):
        init(replacement(tmp_path, remote_dir), START)


def test_usage_that_was_added_and_taken_away_is_no_harmless_readme(
    tmp_path: Path, remote_dir: Path
) -> None:
    """The aggregator bills a history commit by commit: the tip alone does not show it."""
    writer = RepoWriter(remote_dir)
    writer.commit({README_PATH: b"# new", **SEGMENT})
    writer.commit(dict.fromkeys(SEGMENT))
    assert set(writer.files("main")) == {README_PATH}
    with pytest.raises(HomeError, match="not signed"):
        init(replacement(tmp_path, remote_dir), START)


def test_a_commit_that_was_changed_after_signing_is_not_built_on(
    tmp_path: Path, remote_dir: Path, home: Home, pushed: str
) -> None:
    writer = RepoWriter(remote_dir)
    raw = writer.repo.read(writer.repo.revparse_single(pushed).id)[1]
    changed = writer.repo.write(ObjectType.COMMIT, raw.replace(b"2 records", b"3 records"))
    writer.force(str(changed))
    vouched = Vouched(signers_file=home.path / "allowed_signers")
    with pytest.raises(HomeError, match="signature is bad"):
        init(replacement(tmp_path, remote_dir), START, vouched=vouched)


def test_a_rejoin_takes_over_its_own_commits_and_refuses_those_of_others(
    remote_dir: Path, home: Home, pushed: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    shutil.copytree(home.path, backup)
    record(home)
    push(home, START)
    shutil.rmtree(home.path)
    shutil.copytree(backup, home.path)
    assert init(home, START, rejoin=True).outcome == "rejoined"
    record(home)
    push(home, START)
    path = segment_path(START.date(), 5 * 10**9 + 1)
    RepoWriter(remote_dir).commit({path: usage_line(node=NODE, seq=5 * 10**9 + 1)})
    record(home)
    next_seq = init(home, START).next_seq
    with pytest.raises(HomeError, match="not signed"):
        init(home, START, rejoin=True)
    assert init(home, START).next_seq == next_seq
    assert spool_count(home) == 1


def test_a_home_that_lost_its_repo_and_spool_knows_its_own_commits_by_their_key(
    home: Home, pushed: str
) -> None:
    _lose(home)
    assert init(home, START).spool_lost
    record(home)
    assert push(home, START).retired == 1


def test_a_home_that_lost_its_repo_and_spool_does_not_build_on_others(
    make_home: MakeHome, home: Home, pushed: str
) -> None:
    other = make_home("other", vouched=Vouched(signers_file=home.path / "allowed_signers"))
    record(other)
    push(other, START)
    _lose(home)
    for _ in range(2):
        with pytest.raises(HomeError, match="not among the allowed ones"):
            init(home, START)
    assert init(home, START, vouched=Vouched(signers_file=other.path / "allowed_signers"))


def _lose(home: Home) -> None:
    shutil.rmtree(home.repo.path)
    for file in home.path.glob("spool.db*"):
        file.unlink()


def test_the_program_takes_both_ways_out(tmp_path: Path, remote_dir: Path, pushed: str) -> None:
    words = ("init", "--node", NODE, "--remote", remote_dir.as_uri())
    refused = NodePusher(tmp_path / "a")(*words)
    assert refused.code == 1
    assert f"--trust-tip {pushed}" in refused.err
    assert NodePusher(tmp_path / "a").json(*words, "--trust-tip", pushed)["outcome"] == "joined"
    signers = str(tmp_path / "a" / "allowed_signers")
    joined = NodePusher(tmp_path / "b").json(*words, "--allowed-signers", signers)
    assert joined["outcome"] == "joined"
