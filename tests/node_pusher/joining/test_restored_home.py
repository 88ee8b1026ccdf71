"""A home that was restored from a backup older than its rollover finds its node's newest repo."""

import shutil
from pathlib import Path

import pytest

import node_pusher.joining.epoch_claim
import node_pusher.joining.init
import node_pusher.joining.previous_repo
from gitmeter.git_remote.failures import RepoGoneError
from gitmeter.git_remote.remote import Remote
from gitmeter.support.errors import GitmeterError
from node_pusher.home.errors import HomeError, NonFastForwardError
from node_pusher.home.home import Home, new_home
from node_pusher.home.settings_file import write_home
from node_pusher.joining.init import InitReport, init
from node_pusher.joining.trust import Vouched
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.sending.commit import commit_unsent
from node_pusher.sending.correct import correct as record_correction
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from node_pusher.spool.store import Store
from tests.node_pusher.conftest import NODE, START, MakeHome, files_of, record, spool_count
from tests.node_pusher.joining.test_rollover import Died, Killer, now_home, roll, seqs_in
from tests.support.checkpoint import Checkpoint
from tests.support.files import write_secret
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, bare_repo, segment_path, usage_line

EPOCH = 1_000_000_000
STEPS_MIN = 10


class Site:
    """A node that was backed up, rolled over, lost its disk, and was restored.

    Seq 1 and 2 were pushed before the backup; 3 was committed, 4 was in the spool. The disk that
    died had pushed both, and 5 too, gone on in the next repo, and pushed 6 there. The restored one
    was given to services at once: they were given 5 again.

    Attributes:
        home: as it was backed up.
        old, next: the remotes.
    """

    def __init__(self, folder: Path, *, rollovers: int = 1) -> None:
        self.old = bare_repo(folder / "old.git")
        self.home = new_home(folder / "home", NODE, Remote(self.old.as_uri()))
        init(self.home, START)
        record(self.home, 2)
        push(self.home, START)
        record(self.home)
        with Store.open(self.home.spool_file, NODE) as store:
            commit_unsent(store, LedgerRepo(self.home.repo), START)
        record(self.home)
        shutil.copytree(self.home.path, folder / "backup")
        record(self.home)
        for number in range(rollovers):
            self.next = bare_repo(folder / f"next.{number}.git")
            roll(self.home, self.next)
        record(self.home)
        push(now_home(self.home), START)
        assert (seqs_in(self.old), seqs_in(self.next)) == ([1, 2, 3, 4, 5], [6])
        shutil.rmtree(self.home.path)
        (folder / "backup").rename(self.home.path)
        record(self.home, start=START.replace(minute=4))

    @property
    def wanted(self) -> Home:
        """What a person says who knows where the node is now."""
        return at(self.home, self.next)

    def rejoin(self, vouched: Vouched = Vouched()) -> InitReport:  # noqa: B008 - it cannot change
        """Go on there."""
        return init(self.wanted, START, rejoin=True, vouched=vouched)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def at(home: Home, remote: Path) -> Home:
    """What a person says of a home: its node is in this repo."""
    return new_home(home.path, home.node, Remote(remote.as_uri()))


def correct(home: Home, seq: int) -> int:
    """How many units a record had before it was corrected to none."""
    with Spool.open(home.path, clock=lambda: START) as spool:
        return record_correction(spool, seq, total=0, reason="a test").units_before


def hint_of(error: GitmeterError) -> str:
    return str(error.hint)


def test_it_goes_on_in_the_next_repo_in_a_new_epoch(site: Site) -> None:
    """What was not sent is sent there, and the repo that was left stays as it was left."""
    left_at = RepoWriter(site.old).tip()
    report = site.rejoin()
    assert (report.outcome, report.next_seq, report.left_behind) == ("rejoined", EPOCH + 1, ())
    home = now_home(site.home)
    assert (home.repo.remote.url, home.repo.path.name) == (site.next.as_uri(), "repo.2.git")
    assert home.earlier_repos == [site.home.repo]
    record(home)
    push(home, START)
    assert seqs_in(site.next) == [3, 4, 5, 6, EPOCH + 1]
    assert RepoWriter(site.old).tip() == left_at
    assert spool_count(home) == 0
    assert LedgerRepo(site.home.repo).waiting() == []


def test_records_that_only_the_lost_disk_pushed_can_be_corrected(site: Site) -> None:
    site.rejoin()
    shutil.rmtree(site.home.path / "repo.2.git")
    init(now_home(site.home), START, rejoin=True)
    assert correct(site.home, 2) == 2
    assert correct(site.home, 4) == 1


def test_every_hint_leads_there(site: Site) -> None:
    """From the push that is refused, each error names the next command."""
    with pytest.raises(NonFastForwardError) as refused:
        push(site.home, START)
    assert "`init` with --rejoin" in hint_of(refused.value)
    with pytest.raises(NonFastForwardError) as unsent:
        roll(site.home, site.next)
    assert "`init` with --rejoin" in hint_of(unsent.value)
    with pytest.raises(HomeError, match=f"goes on in {site.next.as_uri()}") as left:
        init(site.home, START, rejoin=True)
    assert "--remote" in hint_of(left.value)
    assert "--rejoin" in hint_of(left.value)
    with pytest.raises(HomeError, match="is the home of") as other:
        init(site.wanted, START)
    assert "--rejoin" in hint_of(other.value)
    assert site.rejoin().outcome == "rejoined"


def test_a_node_that_went_on_more_than_once_is_found_in_its_newest_repo(tmp_path: Path) -> None:
    site = Site(tmp_path, rollovers=3)
    between = at(site.home, tmp_path / "next.1.git")
    with pytest.raises(HomeError, match=f"goes on in {site.next.as_uri()}"):
        init(between, START, rejoin=True)
    assert site.rejoin().next_seq == EPOCH + 1
    push(now_home(site.home), START)
    assert seqs_in(site.next) == [3, 4, 5, 6]


def test_settings_alone_that_are_too_old_find_the_repos_that_stand_here(tmp_path: Path) -> None:
    """The disk is the newest, and only `node.toml` came back from a backup."""
    old, second, third = (bare_repo(tmp_path / f"{name}.git") for name in ("a", "b", "c"))
    home = new_home(tmp_path / "home", NODE, Remote(old.as_uri()))
    init(home, START)
    settings = (home.path / "node.toml").read_bytes()
    for to in (second, third):
        record(home)
        roll(home, to)
    before = now_home(home)
    (home.path / "node.toml").write_bytes(settings)
    init(at(home, third), START, rejoin=True)
    assert now_home(home) == before


def unchanged(site: Site, error: type[GitmeterError], match: str, wanted: Home) -> str:
    """A rejoin that is refused and changes nothing; its hint."""
    settings = (site.home.path / "node.toml").read_bytes()
    with pytest.raises(error, match=match) as refused:
        init(wanted, START, rejoin=True)
    assert (site.home.path / "node.toml").read_bytes() == settings
    assert not (site.home.path / "repo.2.git").exists()
    return hint_of(refused.value)


def test_a_repo_that_does_not_say_that_it_was_left_is_not_left(
    home: Home, tmp_path: Path, remote_dir: Path
) -> None:
    record(home)
    push(home, START)
    tip = RepoWriter(remote_dir).tip()
    elsewhere = at(home, bare_repo(tmp_path / "other.git"))
    with pytest.raises(HomeError, match="does not say that it goes on in") as refused:
        init(elsewhere, START, rejoin=True)
    assert "`rollover` begins the next repo" in hint_of(refused.value)
    assert (now_home(home), RepoWriter(remote_dir).tip()) == (home, tip)
    assert RepoWriter(tmp_path / "other.git").tip() is None


@pytest.mark.parametrize("holds", ["nothing", "a README", "another node"])
def test_a_node_does_not_go_on_where_nothing_is_of_it(
    site: Site, tmp_path: Path, make_home: MakeHome, holds: str
) -> None:
    other = bare_repo(tmp_path / "other.git")
    if holds == "a README":
        RepoWriter(other).commit({"README.md": b"by the forge"})
    elif holds == "another node":
        make_home("other", remote=Remote(other.as_uri()), node="other-01")
    tip = RepoWriter(other).tip()
    match = "is the repo of other-01" if holds == "another node" else "holds nothing of"
    unchanged(site, HomeError, match, at(site.home, other))
    assert RepoWriter(other).tip() == tip


def test_where_the_repo_that_was_left_is_gone_its_hint_works(tmp_path: Path) -> None:
    """Folders aside: the spool has what was not sent, and nothing else is sent again."""
    site = Site(tmp_path)
    with GitHttpServer(tmp_path) as server:
        settings = site.home.path / "node.toml"
        text = settings.read_text().replace(site.old.as_uri(), server.url("old.git"))
        settings.write_text(text)
        shutil.rmtree(site.old)
        hint = unchanged(site, RepoGoneError, "cannot say where the node went", site.wanted)
    assert "move node.toml and the folders repo*.git" in hint
    aside = tmp_path / "aside"
    aside.mkdir()
    for path in (settings, site.home.repo.path):
        path.rename(aside / path.name)
    assert init(site.wanted, START).next_seq == EPOCH + 1
    push(now_home(site.home), START)
    assert seqs_in(site.next) == [3, 4, 5, 6]


def test_lost_settings_of_a_home_on_its_first_repo_take_no_other_repo_for_it(site: Site) -> None:
    """Or all records of the first one would be sent to the next one once more."""
    (site.home.path / "node.toml").unlink()
    with pytest.raises(HomeError, match=r"has repos of .*old.git \(main\), none of") as refused:
        init(site.wanted, START)
    assert "move these folders aside" in hint_of(refused.value)
    site.home.repo.path.rename(site.home.path.parent / "aside.git")
    assert init(site.wanted, START).next_seq == EPOCH + 1
    push(now_home(site.home), START)
    assert seqs_in(site.next) == [3, 4, 5, 6]


def test_what_a_stranger_put_into_the_repo_that_was_left_is_not_believed(site: Site) -> None:
    """Nor does it stop anybody: nothing is built on it."""
    forged = usage_line(node=NODE, seq=9, units=1_000_000)
    RepoWriter(site.old).commit({segment_path(START.date(), 9): forged})
    assert site.rejoin().outcome == "rejoined"
    assert LedgerRepo(site.home.repo).tip == LedgerRepo(site.home.repo).pushed
    assert not any("000009.jsonl" in path for path, _ in _paths(site.home))
    assert correct(site.home, 2) == 2


def _paths(home: Home) -> list[tuple[str, str]]:
    repo = LedgerRepo(home.repo)
    assert repo.tip is not None
    return list(repo.paths(repo.tip))


def test_the_files_that_opened_the_repo_before_open_the_one_after(tmp_path: Path) -> None:
    site = Site(tmp_path)
    token = write_secret(tmp_path / "token", "t0ken\n")
    with GitHttpServer(tmp_path) as server:
        url = server.url("old.git")
        write_home(new_home(site.home.path, NODE, Remote(url, token)))
        site.home = new_home(site.home.path, NODE, Remote(server.url("next.0.git")))
        assert init(site.home, START, rejoin=True).outcome == "rejoined"
        assert now_home(site.home).repo.remote == Remote(server.url("next.0.git"), token)


def watch(killer: Killer, patch: pytest.MonkeyPatch) -> None:
    """Watch everything that a rejoin puts on disks, here and there."""
    for owner, name in (
        (LedgerRepo, "create"),
        (LedgerRepo, "write_commit"),
        (LedgerRepo, "set_tip"),
        (LedgerRepo, "set_pushed"),
        (Store, "raise_next_seq"),
        (Store, "put_back"),
        (node_pusher.joining.epoch_claim, "push_in_parts"),
        (node_pusher.joining.init, "note_place"),
        (node_pusher.joining.previous_repo, "note_place"),
        (Path, "replace"),
    ):
        patch.setattr(owner, name, killer.on_disk(getattr(owner, name)))


@pytest.mark.parametrize("after", [False, True])
def test_wherever_a_rejoin_dies_no_record_is_lost_and_none_goes_to_the_repo_that_was_left(
    tmp_path: Path, *, after: bool
) -> None:
    """Records and a push in between, too; numbers of the new epoch are given once."""
    site = Site(tmp_path / "site")
    whole = Checkpoint(tmp_path / "site")
    left_at = RepoWriter(site.old).tip()
    step, finished = 0, False
    while not finished:
        step += 1
        whole.restore()
        with pytest.MonkeyPatch.context() as patch:
            watch(Killer(step, after=after), patch)
            try:
                site.rejoin()
                finished = True
            except Died:
                pass
        record(site.home, start=START.replace(minute=3))
        try:
            push(now_home(site.home), START)
        except NonFastForwardError:
            assert now_home(site.home).repo.remote.url == site.old.as_uri()
        is_there = now_home(site.home).repo.remote.url == site.next.as_uri()
        init(site.wanted, START, rejoin=not is_there)
        record(site.home, start=START.replace(minute=2))
        push(now_home(site.home), START)
        assert RepoWriter(site.old).tip() == left_at, step
        assert "epochs/moved" in files_of(site.old)
        found = seqs_in(site.next)
        assert ({3, 4, 5, 6} < set(found), len(found)) == (True, 6), step
        in_new_epochs = [seq for seq in found if seq > EPOCH]
        assert len(in_new_epochs) == len(set(in_new_epochs)), step
        assert spool_count(site.home) == 0
    assert step > STEPS_MIN
