"""A node that moves to its next repo is billed as if it had stayed in one."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import Home, new_home
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.joining.rollover import rollover
from node_pusher.sending.correct import correct as record_correction
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.aggregator.mirrors.test_archived import archive, forget_repo
from tests.support.ledger.world import World
from tests.support.memory import MEMORY

NODE = "node-1"
START = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Site:
    """A node with its own programs, and an aggregator that checks its signatures.

    Attributes:
        world: the aggregator.
        repos: the names of the node's repos, oldest first.
    """

    def __init__(self, folder: Path) -> None:
        self.world = World(folder, allowed_signers_file=str(folder / "home" / "allowed_signers"))
        self.world.rules()
        self.repos = [NODE]
        self._path = folder / "home"
        init(new_home(self._path, NODE, Remote(self._remote(NODE))), START)

    def _remote(self, name: str) -> str:
        url = self.world.repo(name, node=NODE).url
        self.world.configure(name, allow_unsigned=False)
        return url

    @property
    def home(self) -> Home:
        """The node's home, with its settings read again."""
        return read_home(self._path)

    def record(self, number: int) -> None:
        """Record usage that is derived from a number."""
        with Spool.open(self._path, clock=lambda: START) as spool:
            spool.record(
                user=f"user-{number % 3}",
                resource="hero_os/seconds",
                units=100 + number,
                ts=START - timedelta(minutes=number),
            )

    def correct(self, seq: int) -> None:
        """Take one unit off a record, in whichever repo it is."""
        with Spool.open(self._path, clock=lambda: START) as spool:
            record_correction(spool, seq, units=-1, reason="one too many")

    def push(self) -> None:
        """Push, as the timer does."""
        push(self.home, START)

    def roll(self) -> None:
        """Roll over to the next repo."""
        self.repos.append(f"{NODE}.{2026 + len(self.repos)}")
        rollover(self.home, Remote(self._remote(self.repos[-1])), START)


STEPS = st.lists(st.sampled_from(["record", "correct", "push", "roll"]), min_size=4, max_size=14)


def play(site: Site, steps: list[str], *, rolling: bool) -> int:
    """Do these steps; returns how many records there are afterwards."""
    seq = 0
    for step in (*steps, "push"):
        if step == "record" or (step == "correct" and seq == 0):
            seq += 1
            site.record(seq)
        elif step == "correct":
            site.correct(1)  # the first record is in the oldest repo
            seq += 1
        elif step == "push":
            site.push()
        elif rolling and len(site.repos) < 4:
            site.roll()
        elif not rolling:
            site.push()
    return seq


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.randoms(use_true_random=False))
def test_the_same_records_give_the_same_ledger_in_one_repo_or_in_several(
    steps: list[str], random: Random
) -> None:
    """In whatever order the repos are pulled, and also in a rebuilt ledger."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        plain, rolled = Site(Path(folder) / "plain"), Site(Path(folder) / "rolled")
        count = play(plain, steps, rolling=False)
        assert play(rolled, steps, rolling=True) == count
        plain.world.pull()
        world, names = rolled.world, [*rolled.repos]
        random.shuffle(names)
        world.pull("books")
        for name in names:
            world.pull(name)
        world.pull()
        assert world.digest() == plain.world.digest() == world.rebuilt_digest()
        assert world.verify().matches
        assert world.open_kinds() == []
        assert world.held() == []
        node = world.node(rolled.repos[-1])
        assert (node["gaps"], node["unproved_tails"]) == ([], [])
        assert (node["highest_seq"] or 0, node["records"], node["duplicates"]) == (count, count, 0)


def test_while_the_old_repo_was_not_read_its_records_are_a_gap(tmp_path: Path) -> None:
    """The gap is named and closes by itself; a correction of a missing record waits."""
    site = Site(tmp_path)
    for number in range(1, 4):
        site.record(number)
    site.roll()
    site.record(4)
    site.correct(2)
    site.push()
    world = site.world
    world.pull("books", site.repos[1])
    assert world.node(site.repos[1])["gaps"] == [{"first_seq": 1, "last_seq": 3}]
    assert [line["reason"] for line in world.held()] == ["no_original"]
    world.pull()
    assert world.node(site.repos[1])["gaps"] == []
    assert world.held() == []
    assert world.verify().matches


def test_the_repo_that_was_left_can_be_archived(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.record(1)
    site.push()
    site.roll()
    site.world.pull()
    digest = site.world.digest()
    forget_repo(site.world, NODE)
    archive(site.world)
    assert site.world.digest() == site.world.rebuilt_digest() == digest
    site.correct(1)
    site.record(3)
    site.push()
    assert site.world.pull()[site.repos[1]].admitted == 2
    assert site.world.held() == []
    assert site.world.verify().matches


def test_the_programs_do_all_of_it(tmp_path: Path) -> None:
    """From the node's key to a ledger that is verified with one repo archived."""
    home = tmp_path / "home"

    def node(*arguments: str) -> str:
        program = str(Path(sys.executable).with_name("node-pusher"))
        return subprocess.run(
            [program, "--home", str(home), *arguments], check=True, capture_output=True, text=True
        ).stdout

    world = World(tmp_path, allowed_signers_file=str(tmp_path / "allowed_signers"))
    world.now = datetime.now(UTC)
    world.rules()
    (tmp_path / "allowed_signers").write_text(node("show-key", "--node", NODE))
    node("init", "--node", NODE, "--remote", world.repo(NODE).url)
    use = ("--user", "alice", "--resource", "hero_os/seconds", "--units")
    node("record", *use, "60")
    node("rollover", "--remote", world.repo("node-1.2027", node=NODE).url)
    node("record", *use, "30")
    node("correct", "1", "--to", "50", "--reason", "ten too many")
    node("push")
    for name in (NODE, "node-1.2027"):
        world.configure(name, allow_unsigned=False)
    assert world.run("pull").code == 0
    before = json.loads(world.run("verify", "--json").out)
    forget_repo(world, NODE)
    assert world.run("archive", NODE).code == 0
    after = json.loads(world.run("verify", "--json").out)
    assert before["matches"]
    assert after["matches"]
    assert before["digest"] == after["digest"]
    assert sum(charge["quantity"] for charge in world.charges()) == 80
