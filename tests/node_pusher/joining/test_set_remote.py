"""A home follows its repo to a new address where it finds its own history, and nowhere else."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import node_pusher.joining.set_remote
from gitmeter.git_remote.failures import RepoGoneError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import ExitCode
from node_pusher.home.errors import BusyError, HomeError, NonFastForwardError
from node_pusher.home.home import Home, new_home
from node_pusher.home.locks import push_lock
from node_pusher.home.repo_place import beside
from node_pusher.home.settings_file import read_home
from node_pusher.joining import standing
from node_pusher.joining.init import init
from node_pusher.joining.rollover import rollover
from node_pusher.joining.set_remote import SetRemoteReport, set_remote
from node_pusher.joining.trust import OWN_KEYS_ONLY, Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.correct import correct
from node_pusher.sending.history import status
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.node_pusher.conftest import NODE, START, MakeHome, files_of, record, spool_count
from tests.node_pusher.joining.test_rollover import Died, Killer, now_home, seqs_in
from tests.support.checkpoint import Checkpoint
from tests.support.git_http import GitHttpServer
from tests.support.programs import NodePusher, run_books
from tests.support.repos import RepoWriter, bare_repo, segment_path, usage_line

EPOCH = 1_000_000_000


@pytest.fixture
def sent(home: Home) -> Home:
    """A home that has pushed four commits: the claim of its epoch, and three of two records."""
    for _ in range(3):
        record(home, 2)
        push(home, START)
    return home


@pytest.fixture
def moved(sent: Home, remote_dir: Path, tmp_path: Path) -> Path:
    """The home's repo where it is now."""
    del sent
    (tmp_path / "new").mkdir()
    return remote_dir.rename(tmp_path / "new" / remote_dir.name)


def follow(
    home: Home, to: Path, vouched: Vouched = OWN_KEYS_ONLY, *, empty_ok: bool = False
) -> SetRemoteReport:
    return set_remote(now_home(home), Remote(to.as_uri()), START, vouched, empty_ok=empty_ok)


def unchanged(home: Home, to: Path, match: str, vouched: Vouched = OWN_KEYS_ONLY) -> str:
    """That the address is refused and nothing was written; the hint."""
    before = noted(home)
    with pytest.raises(HomeError, match=match) as raised:
        follow(home, to, vouched)
    assert noted(home) == before
    assert raised.value.exit_code is ExitCode.FAILED
    return raised.value.hint


def noted(home: Home) -> list[bytes]:
    """What a home knows of its repo: settings, refs, and where git finds missing files."""
    git = ("git", "-C", str(home.repo.path))
    asked = (
        (*git, "for-each-ref"),
        (*git, "config", "--local", "--get-regexp", r"^(remote|gitmeter)\."),
    )
    shown = [subprocess.run(words, capture_output=True, check=True).stdout for words in asked]
    return [(home.path / "node.toml").read_bytes(), *shown]


def older(remote: Path, to: Path, *, by: int) -> Path:
    """A copy of a remote as a backup of some commits ago had it."""
    shutil.copytree(remote, to)
    writer = RepoWriter(to)
    commits = [str(each.id) for each in writer.repo.walk(writer.tip() or "")]
    writer.force(commits[by])
    return to


# -- the same history


def test_a_repo_that_was_moved_is_followed(sent: Home, moved: Path, remote_dir: Path) -> None:
    """What waited meanwhile goes to the new address."""
    record(sent, 2)
    with pytest.raises(RepoGoneError):
        push(sent, START)
    record(sent, 1)
    report = follow(sent, moved)
    assert (report.outcome, report.missing, report.foreign) == ("set", 0, 0)
    assert (report.before, report.remote) == (remote_dir.as_uri(), moved.as_uri())
    assert report.head == RepoWriter(moved).tip()
    assert push(now_home(sent), START).retired == 3
    assert seqs_in(moved) == list(range(1, 10))


def test_the_same_command_again_changes_nothing(sent: Home, moved: Path) -> None:
    follow(sent, moved)
    settings = (sent.path / "node.toml").stat()
    assert follow(sent, moved).outcome == "unchanged"
    assert (sent.path / "node.toml").stat() == settings


def test_a_push_that_had_read_the_settings_before_goes_to_the_new_address(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    """Though the old address still takes it."""
    shutil.copytree(remote_dir, tmp_path / "new.git")
    record(sent, 2)
    follow(sent, tmp_path / "new.git")
    assert push(sent, START).retired == 2
    assert (seqs_in(remote_dir), seqs_in(tmp_path / "new.git")) == (
        list(range(1, 7)),
        list(range(1, 9)),
    )


def test_while_another_process_pushes_it_waits_its_turn(
    sent: Home, moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_pusher.joining.set_remote, "LOCK_WAIT_S", 0)
    with push_lock(sent.path), pytest.raises(BusyError):
        follow(sent, moved)


def test_a_commit_that_arrived_unnoticed_is_no_strangers(
    sent: Home, remote_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The home died after the push, before it noted what the remote has."""
    record(sent, 1)
    with monkeypatch.context() as patch:
        patch.setattr(LedgerRepo, "set_pushed", Killer(1).on_disk(LedgerRepo.set_pushed))
        with pytest.raises(Died):
            push(sent, START)
    remote_dir.rename(tmp_path / "new.git")
    report = follow(sent, tmp_path / "new.git")
    assert (report.missing, report.foreign) == (0, 0)
    assert push(now_home(sent), START).pushed == 1


# -- an older state


@pytest.mark.parametrize("by", [1, 3])
def test_what_an_older_backup_lacks_is_counted_and_sent_again(
    sent: Home, remote_dir: Path, tmp_path: Path, by: int
) -> None:
    to = older(remote_dir, tmp_path / "new.git", by=by)
    tip = RepoWriter(remote_dir).tip()
    shutil.rmtree(remote_dir)
    record(sent, 1)
    assert follow(sent, to).missing == by
    said = status(now_home(sent))
    assert (said["commits_waiting"], said["records_not_committed"]) == (by, 1)
    report = push(now_home(sent), START)
    assert (report.pushed, report.retired) == (by + 1, 1)
    assert seqs_in(to) == list(range(1, 8))
    assert tip in {str(each.id) for each in RepoWriter(to).repo.walk(RepoWriter(to).tip() or "")}
    assert spool_count(sent) == 0


def test_locks_of_a_process_that_died_are_no_obstacle(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    to = older(remote_dir, tmp_path / "new.git", by=1)
    (sent.repo.path / "config.lock").touch()
    (sent.repo.path / "refs/remotes/origin/main.lock").touch()
    assert follow(sent, to).missing == 1


def test_a_restored_backup_at_the_same_address_may_be_shown_as_well(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    to = older(remote_dir, tmp_path / "backup.git", by=2)
    shutil.rmtree(remote_dir)
    to.rename(remote_dir)
    report = follow(sent, remote_dir)
    assert (report.outcome, report.missing) == ("unchanged", 2)
    assert push(sent, START).pushed == 2


def test_program_says_how_many_commits_are_missing(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    to = older(remote_dir, tmp_path / "new.git", by=2)
    program = NodePusher(sent.path)
    said = program("set-remote", to.as_uri()).ok()
    tip = (RepoWriter(to).tip() or "")[:12]
    assert said.out == (
        f"{NODE}: pushes to {to.as_uri()}; it is at {tip} and lacks 2 commits that had been pushed,"
        " which the next push sends again\n"
    )
    assert (
        "not committed:  0 records\nnot pushed:     2 commits with 4 records"
        in program("status").out
    )
    assert "pushed 2 commits with 0 records" in program("push").out
    again = program.json("set-remote", to.as_uri())
    assert (again["outcome"], again["missing"], again["earlier_repos"]) == ("unchanged", 0, [])


# -- an empty repo


def test_an_empty_repo_shows_nothing_and_is_filled_where_that_is_wanted(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    to = bare_repo(tmp_path / "new.git")
    hint = unchanged(sent, to, "is empty, so nothing shows that it is the repo of")
    assert "add --empty-ok: the next push then sends 4 commits" in hint
    record(sent, 1)
    report = follow(sent, to, empty_ok=True)
    assert (report.head, report.missing) == (None, 4)
    assert push(now_home(sent), START).pushed == 5
    assert seqs_in(to) == list(range(1, 8))
    assert RepoWriter(to).repo.descendant_of(
        RepoWriter(to).tip() or "", RepoWriter(remote_dir).tip() or ""
    )


@pytest.mark.parametrize("joined", ["shallow without files", "shallow", "without files"])
def test_a_home_that_was_joined_does_not_fill_an_empty_repo(
    sent: Home, make_home: MakeHome, remote_dir: Path, tmp_path: Path, joined: str
) -> None:
    """It has not all of the history; the aggregator's mirror has, and its command works."""
    RepoWriter(remote_dir).repo.config["uploadpack.allowFilter"] = joined != "shallow"
    with GitHttpServer(tmp_path) as server:
        remote = Remote(server.url(remote_dir.name))
        keys = Vouched(signers_file=sent.path / "allowed_signers")
        home = make_home("joined", remote, vouched=keys)
        if joined == "without files":
            fetch = ("fetch", "--quiet", "--unshallow", "--filter=blob:none", remote.url, "main")
            subprocess.run(["git", "-C", home.repo.path, *fetch], check=True)
            assert not (home.repo.path / "shallow").exists()
        to = bare_repo(tmp_path / "new.git")
        with pytest.raises(HomeError, match="this home cannot fill it") as raised:
            follow(home, to, empty_ok=True)
        record(home, 1)
        push(home, START)
    mirror = older(remote_dir, tmp_path / "mirror.git", by=0)
    RepoWriter(mirror).repo.references.create(
        "refs/aggregator/applied", RepoWriter(mirror).tip() or ""
    )
    assert "node-pusher rollover" in raised.value.hint
    command = raised.value.hint.split("`")[1].replace("MIRROR", str(mirror))
    subprocess.run(command.split(), check=True, capture_output=True)
    assert follow(home, to).missing == 0


def test_a_repo_without_the_branch_is_not_the_homes(sent: Home, tmp_path: Path) -> None:
    to = bare_repo(tmp_path / "new.git")
    RepoWriter(to).commit({"a": b"1"}, branch="other")
    unchanged(sent, to, "has other branches, but no main")


# -- another history


def test_the_repo_of_another_node_is_refused(
    sent: Home, make_home: MakeHome, tmp_path: Path
) -> None:
    to = bare_repo(tmp_path / "other.git")
    other = make_home("other", Remote(to.as_uri()), node="other-01")
    record(other)
    push(other, START)
    hint = unchanged(sent, to, f"is the repo of other-01, not of {NODE}")
    assert "a repo of its own" in hint


def test_a_repo_of_something_else_is_refused(sent: Home, tmp_path: Path) -> None:
    to = bare_repo(tmp_path / "other.git")
    RepoWriter(to).commit({"Makefile": b"all:\n"})
    unchanged(sent, to, "holds what no pusher has written: Makefile")


def test_a_repo_in_which_the_node_began_anew_is_refused(
    sent: Home, make_home: MakeHome, tmp_path: Path
) -> None:
    to = bare_repo(tmp_path / "anew.git")
    anew = make_home("anew", Remote(to.as_uri()))
    record(anew)
    push(anew, START)
    hint = unchanged(sent, to, "has no commit in common with")
    assert "--rejoin" in hint


def test_a_history_that_parts_from_what_was_pushed_is_refused(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    """A backup was restored there, and then others pushed, even with this home's own key."""
    to = older(remote_dir, tmp_path / "new.git", by=2)
    copy = new_home(tmp_path / "copy", NODE, Remote(to.as_uri()))
    copy.path.mkdir(mode=0o700)
    shutil.copy(sent.path / "signing_key", copy.path)
    init(copy, START)
    record(copy, 1)
    push(copy, START)
    hint = unchanged(
        sent, to, "has 2 commits that this home has not, in place of 2 commits that it has pushed"
    )
    assert "refs/aggregator/applied" in hint


def test_only_so_many_commits_of_another_history_are_looked_at(
    sent: Home, make_home: MakeHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote them may have written any number."""
    to = bare_repo(tmp_path / "anew.git")
    anew = make_home("anew", Remote(to.as_uri()))
    for _ in range(4):
        record(anew)
        push(anew, START)
    seen = []
    history = LedgerRepo.history

    def counting(repo: LedgerRepo, start: str | None = None) -> Iterator[object]:
        for info in history(repo, start):
            seen.append(start)
            yield info

    monkeypatch.setattr(standing, "FOREIGN_MAX", 2)
    monkeypatch.setattr(LedgerRepo, "history", counting)
    with pytest.raises(HomeError, match="has no commit in common with"):
        follow(sent, to)
    assert seen.count(RepoWriter(to).tip()) <= 3  # and once to see who wrote the newest


# -- more than this home has


@pytest.fixture
def ahead(sent: Home, remote_dir: Path, tmp_path: Path) -> Path:
    """A moved repo to which a machine with the same key has pushed since."""
    twin = new_home(tmp_path / "twin", NODE, Remote(remote_dir.as_uri()))
    twin.path.mkdir(mode=0o700)
    shutil.copy(sent.path / "signing_key", twin.path)
    init(twin, START)
    record(twin, 1)
    push(twin, START)
    return remote_dir.rename(tmp_path / "new.git")


def test_what_was_pushed_since_by_its_own_key_is_followed_and_can_be_taken_over(
    sent: Home, ahead: Path
) -> None:
    """As after a home was restored from a backup, and then the forge moved."""
    program = NodePusher(sent.path)
    said = program("set-remote", ahead.as_uri()).ok()
    assert "it has 2 commits that this home has not, so a push is refused" in said.err
    record(sent, 1)
    with pytest.raises(NonFastForwardError):
        push(now_home(sent), START)
    command = said.err.rpartition("node-pusher --home ")[2].split()
    assert command[0] == str(sent.path)
    assert "in epoch 2" in program(*command[1:]).ok().out
    push(now_home(sent), START)
    assert seqs_in(ahead) == [*range(1, 7), 7, EPOCH + 1]


def test_what_a_strange_key_signed_is_refused_unless_a_person_vouches_for_it(
    sent: Home, moved: Path, tmp_path: Path, make_home: MakeHome
) -> None:
    keys = Vouched(signers_file=sent.path / "allowed_signers")
    other = make_home("other", Remote(moved.as_uri()), vouched=keys)
    record(other, 1)
    push(other, START)
    hint = unchanged(sent, moved, "a key that is not among the allowed ones")
    tip = RepoWriter(moved).tip()
    assert f"--trust-tip {tip}" in hint
    assert follow(sent, moved, Vouched(signers_file=other.path / "allowed_signers")).foreign == 2
    assert follow(sent, moved, Vouched(tip=tip)).outcome == "unchanged"


def test_a_commit_that_nobody_signed_is_refused(sent: Home, moved: Path) -> None:
    RepoWriter(moved).commit({segment_path(START.date(), 7): usage_line(node=NODE, seq=7)})
    unchanged(sent, moved, "the commit is not signed")


# -- what does not answer


def test_where_the_new_address_does_not_answer_nothing_has_changed(
    sent: Home, tmp_path: Path
) -> None:
    settings = (sent.path / "node.toml").read_bytes()
    away = NodePusher(sent.path)("set-remote", "https://127.0.0.1:9/none.git")
    assert away.code == ExitCode.TRY_LATER
    assert "this home keeps the address that it has" in away.err
    with pytest.raises(RepoGoneError, match="this home keeps the address that it has"):
        follow(sent, tmp_path / "none.git")
    assert (sent.path / "node.toml").read_bytes() == settings


# -- homes that were joined


def test_a_joined_home_reads_its_files_from_the_new_address(
    sent: Home, make_home: MakeHome, remote_dir: Path, tmp_path: Path
) -> None:
    """The address that git noted on the day on which it was joined answers no more."""
    keys = Vouched(signers_file=sent.path / "allowed_signers")
    with GitHttpServer(tmp_path) as server:
        home = make_home("joined", Remote(server.url(remote_dir.name)), vouched=keys)
    (tmp_path / "new").mkdir()
    remote_dir.rename(tmp_path / "new" / "there.git")
    record(home, 2)
    with GitHttpServer(tmp_path / "new") as server:
        set_remote(home, Remote(server.url("there.git")), START)
        push(now_home(home), START)
        with Spool.open(home.path, clock=lambda: START) as spool:
            assert correct(spool, 3, units=1, reason="x").units_before == 1
        assert push(now_home(home), START).retired == 1


def test_a_joined_home_follows_to_newer_commits_while_its_old_address_is_gone(
    sent: Home, make_home: MakeHome, remote_dir: Path, tmp_path: Path
) -> None:
    keys = Vouched(signers_file=sent.path / "allowed_signers")
    with GitHttpServer(tmp_path) as server:
        home = make_home("joined", Remote(server.url(remote_dir.name)), vouched=keys)
        theirs = Vouched(signers_file=home.path / "allowed_signers")
        init(sent, START, rejoin=True, vouched=theirs)
        record(sent, 3)
        push(sent, START)
    (tmp_path / "new").mkdir()
    remote_dir.rename(tmp_path / "new" / "there.git")
    with GitHttpServer(tmp_path / "new") as server:
        report = set_remote(home, Remote(server.url("there.git")), START, keys)
        assert (report.missing, report.foreign) == (0, 2)
        init(now_home(home), START, rejoin=True, vouched=keys)
        record(home, 1)
        assert push(now_home(home), START).retired == 1
        with Spool.open(home.path, clock=lambda: START) as spool:
            assert correct(spool, 3, units=1, reason="x").units_before == 1


def test_a_joined_home_without_files_of_what_is_missing_names_the_mirror(
    sent: Home, ahead: Path, tmp_path: Path
) -> None:
    """A rejoin took over commits of another machine without their files."""
    with GitHttpServer(tmp_path) as server:
        joined = new_home(tmp_path / "joined", NODE, Remote(server.url(ahead.name)))
        init(joined, START, vouched=Vouched(signers_file=sent.path / "allowed_signers"))
        theirs = Vouched(signers_file=joined.path / "allowed_signers")
        follow(sent, ahead, theirs)
        init(now_home(sent), START, rejoin=True, vouched=theirs)
        record(sent, 5)
        push(now_home(sent), START)
        keys = Vouched(signers_file=sent.path / "allowed_signers")
        init(joined, START, rejoin=True, vouched=keys)
    to = older(ahead, tmp_path / "older.git", by=2)
    hint = unchanged(joined, to, "was joined without files of what came after it")
    assert "refs/aggregator/applied" in hint


# -- earlier repos


@pytest.fixture
def rolled(sent: Home, remote_dir: Path, tmp_path: Path) -> Home:
    """A home in its second repo, with its first one beside that."""
    rollover(sent, Remote(bare_repo(tmp_path / "next.git").as_uri()), START)
    record(sent, 2)
    push(now_home(sent), START)
    return now_home(sent)


def move(tmp_path: Path, *names: str) -> Path:
    """Move repos into another folder."""
    (tmp_path / "new").mkdir(exist_ok=True)
    for name in names:
        (tmp_path / name).rename(tmp_path / "new" / name)
    return tmp_path / "new"


def urls(home: Home) -> list[str]:
    """The addresses of a home's repos, the newest first."""
    return [repo.remote.url for repo in now_home(home).repos]


def test_earlier_repos_are_followed_beside_the_one_in_use(rolled: Home, tmp_path: Path) -> None:
    new = move(tmp_path, "remote.git", "next.git")
    said = NodePusher(rolled.path)("set-remote", (new / "next.git").as_uri()).ok()
    assert urls(rolled) == [(new / name).as_uri() for name in ("next.git", "remote.git")]
    before = (tmp_path / "remote.git").as_uri()
    assert f"earlier repo: {before} is now {urls(rolled)[1]}\n" in said.out
    assert push(now_home(rolled), START).remark == ""


def test_an_earlier_repo_that_is_not_there_stays_and_is_followed_later(
    rolled: Home, tmp_path: Path
) -> None:
    new = move(tmp_path, "next.git")
    report = follow(rolled, new / "next.git")
    (stays,) = report.earlier_repos
    assert (stays.remote, stays.before) == ((tmp_path / "remote.git").as_uri(),) * 2
    assert str(new / "remote.git") in stays.why
    said = NodePusher(rolled.path)("set-remote", (new / "next.git").as_uri()).ok()
    assert f"earlier repo: stays {stays.remote}; " in said.out
    move(tmp_path, "remote.git")
    assert follow(rolled, new / "next.git").outcome == "set"
    assert urls(rolled)[1] == (new / "remote.git").as_uri()
    assert follow(rolled, new / "next.git").earlier_repos[0].why == ""


def test_another_repo_under_the_name_of_an_earlier_one_is_not_taken_for_it(
    rolled: Home, tmp_path: Path
) -> None:
    new = move(tmp_path, "next.git")
    RepoWriter(bare_repo(new / "remote.git")).commit({"Makefile": b"all:\n"})
    (stays,) = follow(rolled, new / "next.git").earlier_repos
    assert stays.remote == stays.before
    assert "holds what no pusher has written" in stays.why


def test_the_address_of_an_earlier_repo_is_not_that_of_the_one_in_use(
    rolled: Home, tmp_path: Path
) -> None:
    new = move(tmp_path, "remote.git", "next.git")
    hint = unchanged(
        rolled, new / "remote.git", r"has the history of .*repo.git, which .* has left"
    )
    assert (tmp_path / "next.git").as_uri() in hint


def test_a_moved_mark_that_was_given_up_is_set_at_the_new_address(
    sent: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forge moved before the mark arrived: at the old address there was no repo any more."""
    with monkeypatch.context() as patch:
        patch.setattr(node_pusher.joining.rollover, "mark_previous_repos", lambda *_: "")
        rollover(sent, Remote(bare_repo(tmp_path / "next.git").as_uri()), START)
    new = move(tmp_path, "remote.git")
    assert "did not get the moved mark" in push(now_home(sent), START).remark
    move(tmp_path, "next.git")
    follow(sent, new / "next.git")
    assert push(now_home(sent), START).remark == ""
    assert "epochs/moved" in files_of(new / "remote.git")
    again = new_home(tmp_path / "again", NODE, Remote((new / "remote.git").as_uri()))
    with pytest.raises(HomeError, match=r"has left .* and goes on in"):
        init(again, START)


def test_an_older_backup_of_an_earlier_repo_gets_its_commits_and_mark_again(
    rolled: Home, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    to = older(tmp_path / "remote.git", tmp_path / "new" / "remote.git", by=2)
    shutil.rmtree(tmp_path / "remote.git")
    new = move(tmp_path, "next.git")
    follow(rolled, new / "next.git")
    assert push(now_home(rolled), START).remark == ""
    assert seqs_in(to) == list(range(1, 7))
    assert "epochs/moved" in files_of(to)


def test_records_of_an_earlier_repo_are_read_at_its_new_address(
    sent: Home, make_home: MakeHome, remote_dir: Path, tmp_path: Path
) -> None:
    keys = Vouched(signers_file=sent.path / "allowed_signers")
    with GitHttpServer(tmp_path) as server:
        home = make_home("joined", Remote(server.url(remote_dir.name)), vouched=keys)
        rollover(home, Remote(server.url(bare_repo(tmp_path / "next.git").name)), START)
    new = move(tmp_path, "remote.git", "next.git")
    with GitHttpServer(new) as server:
        set_remote(now_home(home), Remote(server.url("next.git")), START)
        with Spool.open(home.path, clock=lambda: START) as spool:
            assert correct(spool, 3, units=1, reason="x").units_before == 1


@pytest.mark.parametrize(
    ("url", "other", "expected"),
    [
        ("ssh://git@b.example/o/n.git", "ssh://git@a.example:22/p/n.2025.git", "n.2025.git"),
        ("ssh://git@b.example/o/n.git/", "https://a.example/n.2025.git/", "n.2025.git"),
        ("ssh://git@b.example/o/n", "git@a.example:n.2025.git", "n.2025.git"),
        ("ssh://git@b.example/o/n.git", "ssh://git@b.example/o/n.2025.git", "n.2025.git"),
    ],
)
def test_the_address_beside_another_has_the_name_of_the_repo(
    url: str, other: str, expected: str
) -> None:
    assert beside(url, other) == f"ssh://git@b.example/o/{expected}"
    assert beside("git@b.example:n.git", other) == f"git@b.example:{expected}"


# -- what comes after it


def test_a_home_goes_on_in_its_next_repo_after_a_move(
    sent: Home, moved: Path, tmp_path: Path
) -> None:
    follow(sent, moved)
    to = bare_repo(tmp_path / "new" / "next.git")
    record(sent, 1)
    assert rollover(now_home(sent), Remote(to.as_uri()), START).remark == ""
    record(sent, 1)
    push(now_home(sent), START)
    assert (seqs_in(moved), seqs_in(to)) == (list(range(1, 8)), [8])
    assert files_of(moved)["epochs/moved"].decode() == f"{to.as_uri()}\n"


def test_a_home_restored_from_before_the_move_and_a_rollover_finds_both(
    sent: Home, remote_dir: Path, tmp_path: Path
) -> None:
    """First where its own repo is, which says that the node has gone on, then the next one."""
    backup = Checkpoint(sent.path)
    record(sent, 1)
    rollover(now_home(sent), Remote(bare_repo(tmp_path / "next.git").as_uri()), START)
    record(sent, 1)
    push(now_home(sent), START)
    new = move(tmp_path, "remote.git", "next.git")
    backup.restore()
    wanted = new_home(sent.path, NODE, Remote((new / "next.git").as_uri()))
    with pytest.raises(RepoGoneError) as raised:
        init(wanted, START, rejoin=True)
    assert f"node-pusher --home {sent.path} set-remote URL" in raised.value.hint
    report = follow(sent, new / "remote.git")
    assert report.goes_on_in == (tmp_path / "next.git").as_uri()
    assert init(wanted, START, rejoin=True).outcome == "rejoined"
    assert urls(sent) == [(new / name).as_uri() for name in ("next.git", "remote.git")]
    record(sent, 1)
    assert push(now_home(sent), START).retired == 1
    assert seqs_in(new / "next.git") == [8, EPOCH + 1]


def test_lost_settings_are_made_again_at_the_new_address(rolled: Home, tmp_path: Path) -> None:
    new = move(tmp_path, "remote.git", "next.git")
    follow(rolled, new / "next.git")
    before = now_home(rolled)
    (rolled.path / "node.toml").unlink()
    init(new_home(rolled.path, NODE, Remote((new / "next.git").as_uri())), START)
    assert now_home(rolled) == before


def test_settings_that_were_lost_before_the_move_are_made_again_by_the_hint(
    rolled: Home, tmp_path: Path
) -> None:
    new = move(tmp_path, "remote.git", "next.git")
    (rolled.path / "node.toml").unlink()
    wanted = new_home(rolled.path, NODE, Remote((new / "next.git").as_uri()))
    with pytest.raises(HomeError, match=r"has repos of .*, none of") as raised:
        init(wanted, START)
    subprocess.run(raised.value.hint.split("`")[1].split(), check=True)
    init(wanted, START)
    follow(rolled, new / "next.git")
    assert urls(rolled) == [(new / name).as_uri() for name in ("next.git", "remote.git")]


# -- interruptions


def _watch(killer: Killer, patch: pytest.MonkeyPatch) -> None:
    """Watch everything that the command puts on the disk."""
    module = node_pusher.joining.set_remote
    for owner, name in (
        (module, "note_place"),
        (module, "note_unmarked"),
        (LedgerRepo, "note_lost"),
        (Path, "replace"),
    ):
        patch.setattr(owner, name, killer.on_disk(getattr(owner, name)))


@pytest.mark.parametrize("after", [False, True])
def test_wherever_it_dies_the_same_command_ends_alike(tmp_path: Path, *, after: bool) -> None:
    """Also with a push to the address before in between; every record is there once."""
    old, first = (bare_repo(tmp_path / "site" / name) for name in ("old.git", "first.git"))
    home = new_home(tmp_path / "site" / "home", NODE, Remote(first.as_uri()))
    init(home, START)
    record(home, 2)
    rollover(home, Remote(old.as_uri()), START)
    for _ in range(3):
        record(home, 2)
        push(now_home(home), START)
    new = tmp_path / "site" / "new"
    new.mkdir()
    to, earlier = older(old, new / "old.git", by=2), older(first, new / "first.git", by=1)
    site = Checkpoint(tmp_path / "site")
    counting = Killer()
    with pytest.MonkeyPatch.context() as patch:
        _watch(counting, patch)
        follow(home, to)
    assert counting.steps >= 6
    for step in range(1, counting.steps + 1):
        site.restore()
        with pytest.MonkeyPatch.context() as patch:
            _watch(Killer(step, after=after), patch)
            with pytest.raises(Died):
                follow(home, to)
        record(home, 1)
        if step % 2:
            push(now_home(home), START)
        follow(home, to)
        assert push(now_home(home), START).remark == ""
        assert seqs_in(to) == list(range(3, 10)), step
        assert "epochs/moved" in files_of(earlier), step
        assert urls(home) == [to.as_uri(), earlier.as_uri()], step
        assert spool_count(home) == 0
        assert status(now_home(home))["commits_waiting"] == 0


# -- credentials, and the books


def test_a_token_goes_to_no_other_server(sent: Home, remote_dir: Path, tmp_path: Path) -> None:
    """Unless it is named for it."""
    tokens = {remote_dir.name: {"t0ken": "write"}}
    token = tmp_path / "t0ken"
    token.touch(mode=0o600)
    token.write_text("t0ken\n")
    program = NodePusher(sent.path)
    with (
        GitHttpServer(tmp_path, tokens=tokens) as old,  # type: ignore[arg-type] # literals
        GitHttpServer(tmp_path, tokens=tokens) as new,  # type: ignore[arg-type]
    ):
        url = old.url(remote_dir.name)
        program("set-remote", url, "--token-file", str(token)).ok()
        program("set-remote", url).ok()  # the same server: it stays
        assert read_home(sent.path).repo.remote == Remote(url, token)
        refused = program("set-remote", new.url(remote_dir.name))
        assert refused.code == ExitCode.FAILED
        assert set(new.authorizations) == {""}
        program("set-remote", new.url(remote_dir.name), "--token-file", str(token)).ok()
        record(sent, 1)
        assert push(now_home(sent), START).retired == 1


def test_program_the_books_follow_theirs_too(tmp_path: Path) -> None:
    old = bare_repo(tmp_path / "books.git")
    books = ("--home", str(tmp_path / "home"))
    run_books(*books, "init", "--remote", old.as_uri()).ok()
    run_books(*books, "push").ok()
    old.rename(tmp_path / "moved.git")
    away = run_books(*books, "push")
    assert f"books --home {tmp_path / 'home'} set-remote URL" in away.err
    said = run_books(*books, "set-remote", (tmp_path / "moved.git").as_uri()).ok()
    assert said.out.startswith(f"books: pushes to {(tmp_path / 'moved.git').as_uri()}; it is at ")
    run_books(*books, "grant", "alice", "5.00", "--reason", "a test").ok()
    assert "pushed 1 commit" in run_books(*books, "push").ok().out
