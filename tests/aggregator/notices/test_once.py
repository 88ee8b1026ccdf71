"""Each crossing is told once, whatever happens to the ledger and to the process."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.incidents.kinds import IncidentKind
from aggregator.store.account_rows import exact
from aggregator.store.outbox.outbox import Outbox
from tests.aggregator.notices.telling import Desk, Incident, mortal_notices
from tests.support.ledger.world import DeathError
from tests.support.memory import MEMORY
from wire_format.money import NANO, parse_nano

USERS = ("alice", "bob")
LEVELS_USD = (10, 5, 4, 1, 0, -3)
INCIDENTS: tuple[Incident, ...] = (
    (IncidentKind.UNREACHABLE, "node-1", ""),
    (IncidentKind.REWRITTEN, "node-2", "aaaa"),
    (IncidentKind.COPY_FAILED, "node-2", ""),
    (IncidentKind.LISTING_FAILED, "", ""),
    (IncidentKind.BAD_RULE_BOOK, "books", "bbbb"),
)
PAST_64_BITS = 150_683_769_204_546_061_705_590_051
REPOS = ("node-1", "node-2", "books")


@contextmanager
def desk() -> Iterator[Desk]:
    with TemporaryDirectory(dir=MEMORY) as folder:
        yield Desk(Path(folder))


class Truth:
    """What is so, beside the ledger that shows it, and what of it should have been told."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.balances: dict[str, int] = {}
        self.open: set[Incident] = set()
        self.expected: Counter[tuple[str, ...]] = Counter()
        self._levels: dict[str, str] = {}
        self._seen: set[Incident] = set()
        self._threshold = 5
        self._is_shown = True

    def pay(self, user: str, amount_usd: int) -> None:
        """Let a user have so much left."""
        self.balances[user] = amount_usd
        self.desk.usd(user, amount_usd)

    def flip(self, incident: Incident) -> None:
        """Let an incident begin or end, and the ledger see it."""
        self.pull()
        if incident in self.open:
            self.open.remove(incident)
            self.desk.end(*incident)
        else:
            self.open.add(incident)
            self.desk.open(*incident)

    def rebuild(self) -> None:
        """The ledger has balances and repos again, and incidents only as they are found."""
        self.desk.lose_ledger()
        for user, amount_usd in self.balances.items():
            self.desk.usd(user, amount_usd)
        for repo in REPOS:
            self.desk.look_at(repo, checked=False)
        self._is_shown = False

    def pull(self) -> None:
        """Let the ledger find every incident."""
        for incident in sorted(self.open):
            self.desk.open(*incident)
        for repo in REPOS:
            self.desk.look_at(repo)
        self._is_shown = True

    def set_threshold(self, threshold: int) -> None:
        """Configure another threshold."""
        self.desk.threshold = str(threshold)

    def expect(self) -> None:
        """What a comparison now tells."""
        threshold = parse_nano(self.desk.threshold) // NANO
        for user, amount in self.balances.items():
            level = "exhausted" if amount <= 0 else "low" if amount < threshold else ""
            before = self._levels.get(user, "")
            low_anew = level == "low" and before == "" and amount < self._threshold
            if low_anew or (level == "exhausted" and before != "exhausted"):
                self.expected[level, user] += 1
            self._levels[user] = level
        self._threshold = threshold
        if self._is_shown:
            self.expected.update(self.open - self._seen)
            self._seen = set(self.open)

    def told(self) -> Counter[tuple[str, ...]]:
        """What the outbox has, but for the ends of incidents."""
        return Counter(
            (event["event"].removeprefix("balance_"), event["user"])
            if "user" in event
            else (event["kind"], event["repo"] or "", event["subject"])
            for event in self.desk.told()
            if event["event"] != "incident_closed"
        )

    def told_by_repo(self, event: str) -> Counter[tuple[str, str]]:
        """How often something was told of a kind and repo."""
        return Counter(
            (e["kind"], e["repo"] or "") for e in self.desk.told() if e["event"] == event
        )


STEPS = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from(USERS), st.sampled_from(LEVELS_USD)),
    st.tuples(st.just("flip"), st.sampled_from(INCIDENTS)),
    st.tuples(st.just("set_threshold"), st.sampled_from((1, 5, 7))),
    st.tuples(st.just("rebuild")),
    st.tuples(st.just("pull")),
    st.tuples(st.just("die"), st.integers(0, 30)),
    st.tuples(st.just("compare")),
)


@given(st.lists(STEPS, max_size=25))
def test_every_crossing_is_told_once(steps: list[tuple[str, ...]]) -> None:
    """Balances and incidents come and go, the ledger is made again, processes die and restart."""
    with desk() as place:
        place.begin()
        truth = Truth(place)
        truth.pull()
        for name, *arguments in [*steps, ("pull",), ("compare",)]:
            if name == "compare":
                truth.expect()
                place.compare()
            elif name == "die":
                died = False
                with mortal_notices(int(arguments[0])):
                    try:
                        place.compare()
                    except DeathError:
                        died = True
                if not died:
                    truth.expect()
            else:
                getattr(truth, name)(*arguments)
        assert truth.told() == truth.expected
        assert truth.told_by_repo("incident_closed") <= truth.told_by_repo("incident_opened")


def test_death_before_any_statement_of_a_comparison_tells_once(tmp_path: Path) -> None:
    """At every statement, the making of the file included."""
    with mortal_notices(None) as made:
        crossing(tmp_path / "unharmed").compare()
    statements = made[-1].statements
    assert statements > 10
    for survived in range(statements):
        place = crossing(tmp_path / str(survived))
        with mortal_notices(survived), pytest.raises(DeathError):
            place.compare()
        place.compare()
        place.compare()
        told = Counter(event["event"] for event in place.told())
        assert told == {"balance_low": 1, "incident_opened": 1}, f"died before {survived + 1}"
        shutil.rmtree(place.folder)


def crossing(folder: Path) -> Desk:
    """A desk on which two things are to be told."""
    place = Desk(folder)
    place.begin()
    place.usd("alice", 4)
    place.open(IncidentKind.UNREACHABLE, "node-1")
    return place


@pytest.fixture
def place(tmp_path: Path) -> Desk:
    """One at which telling has begun."""
    made = Desk(tmp_path)
    made.begin()
    return made


def test_who_has_enough_again_is_told_again_the_next_time(place: Desk) -> None:
    told = []
    for amount_usd in (10, 4, 10, 4, 3, 0, -1, 2, 0, 10, 0):
        place.usd("alice", amount_usd)
        place.compare()
        told.append(len(place.told()))
    assert told == [0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5]


def test_a_file_that_is_new_takes_what_is_so_as_told_and_says_so(tmp_path: Path) -> None:
    place = Desk(tmp_path)
    place.usd("alice", 4)
    place.usd("bob", -1)
    place.usd("carol", 50)
    place.open(IncidentKind.UNREACHABLE, "node-1")
    assert place.compare() == 1
    (event,) = place.told()
    assert event["event"] == "started"
    assert (event["open_incidents"], event["low_accounts"], event["exhausted_accounts"]) == (
        1,
        1,
        1,
    )
    place.usd("alice", 0)
    place.usd("carol", 4)
    place.compare()
    told = {(event["event"], event["user"]) for event in place.told()[1:]}
    assert told == {("balance_exhausted", "alice"), ("balance_low", "carol")}


def test_a_file_that_is_lost_begins_anew(tmp_path: Path) -> None:
    place = crossing(tmp_path)
    place.compare()
    for path in tmp_path.glob("notices.db*"):
        path.unlink()
    place.compare()
    assert [event["event"] for event in place.told()] == ["started"]


@pytest.mark.parametrize("harm", [b"", b"this is no database at all" * 200])
def test_a_file_that_is_damaged_is_set_aside(tmp_path: Path, harm: bytes) -> None:
    """Billing goes on, telling begins anew, and the file is kept to be looked at."""
    place = crossing(tmp_path)
    place.compare()
    for path in tmp_path.glob("notices.db-*"):
        path.unlink()
    place.path.write_bytes(harm)
    assert place.compare() == 1
    assert [event["event"] for event in place.told()] == ["started"]
    if harm:
        assert place.path.with_name("notices.db.damaged").read_bytes() == harm


def test_a_file_of_a_newer_aggregator_is_left_alone(tmp_path: Path) -> None:
    place = crossing(tmp_path)
    place.compare()
    with closing(Outbox(place.path)) as outbox:
        outbox._connection.execute("PRAGMA user_version = 99")
    before = place.path.read_bytes()
    place.usd("bob", 0)
    assert place.compare() == 0
    assert place.path.read_bytes() == before


def test_balances_are_not_compared_before_the_books_were_read(place: Desk) -> None:
    """A ledger made from nothing, while the books cannot be reached, has no payments."""
    place.look_at("books", role="books")
    place.usd("alice", -5)
    assert place.compare() == 0
    with place.ledger() as store:
        store._connection.execute("INSERT INTO cursor (repo, tip) VALUES ('books', ?)", ("a" * 40,))
    assert place.compare() == 1


def test_an_account_that_never_had_anything_is_not_exhausted(place: Desk) -> None:
    """As one that a pending payment opened, or usage that costs nothing."""
    with place.ledger() as store:
        store._connection.execute("INSERT INTO account (user) VALUES ('alice')")
        store._connection.execute(
            "INSERT INTO account (user, first_active_hour, last_active_hour) VALUES ('bob', 1, 1)"
        )
    assert place.compare() == 0


@pytest.mark.parametrize(
    ("credit_nano", "billed_nano", "event"),
    [
        (2**64, 2**64 + 1, "balance_exhausted"),
        (2**64, 2**64, "balance_exhausted"),
        (2**64, 2**64 - NANO, "balance_low"),
        # as SQLite's floats these differ by 17 dollars
        (PAST_64_BITS, PAST_64_BITS - 4 * NANO, "balance_low"),
        (2**64, 2**64 - 5 * NANO, None),
        (2**64, 1, None),
        (-(2**63) + 1, 2**63 - 1, "balance_exhausted"),
        (0, 2**70, "balance_exhausted"),
    ],
)
def test_balances_past_64_bits_are_exact(
    place: Desk, credit_nano: int, billed_nano: int, event: str | None
) -> None:
    with place.ledger() as store:
        store._connection.execute(
            "INSERT INTO account (user, credit_nano, billed_cost_nano, first_active_hour)"
            " VALUES ('alice', ?, ?, 1)",
            (exact(credit_nano), exact(billed_nano)),
        )
    place.compare()
    told = [(event["event"], event["balance_nano"]) for event in place.told()]
    assert told == ([] if event is None else [(event, credit_nano - billed_nano)])


def test_an_incident_that_only_a_later_look_finds_is_told_once_across_a_rebuild(
    place: Desk,
) -> None:
    """The daily look at the forge comes long after the pull that followed the rebuild."""
    place.open(IncidentKind.DRIFT, "node-1", "hook")
    assert place.compare() == 1
    place.lose_ledger()
    place.look_at("node-1")
    place.later(hours=24)
    assert place.compare() == 0
    place.open(IncidentKind.DRIFT, "node-1", "hook")
    assert place.compare() == 0
    place.end(IncidentKind.DRIFT, "node-1", "hook")
    place.compare()
    place.open(IncidentKind.DRIFT, "node-1", "hook")
    assert place.compare() == 1


def test_an_incident_that_a_rebuild_ended_is_forgotten_in_the_end(place: Desk) -> None:
    place.open(IncidentKind.COPY_FAILED, "node-1")
    assert place.compare() == 1
    place.lose_ledger()
    place.compare()
    place.later(hours=26)
    place.compare()
    place.open(IncidentKind.COPY_FAILED, "node-1")
    assert place.compare() == 1


def test_a_head_that_moves_on_a_held_branch_is_one_incident(place: Desk) -> None:
    """A node that goes on pushing to a rewritten branch would otherwise be told every hour."""
    place.open(IncidentKind.REWRITTEN, "node-1", "aaaa")
    assert place.compare() == 1
    place.end(IncidentKind.REWRITTEN, "node-1", "aaaa")
    place.open(IncidentKind.REWRITTEN, "node-1", "bbbb")
    assert place.compare() == 0
    place.end(IncidentKind.REWRITTEN, "node-1", "bbbb")
    place.compare()
    place.open(IncidentKind.REWRITTEN, "node-1", "bbbb")
    assert place.compare() == 1


def test_reused_seqs_are_told_once_while_their_incident_grows(place: Desk) -> None:
    """Neither more of them nor a new ledger is told again, and after its end the next one is."""
    kind = IncidentKind.SEQUENCE_REUSED
    place.open(kind, "node-1", "seq 17")
    assert place.compare() == 1
    place.end(kind, "node-1", "seq 17")
    place.open(kind, "node-1", "seq 17..19")
    assert place.compare() == 0
    place.lose_ledger()
    place.open(kind, "node-1", "seq 18..19")
    assert place.compare() == 0
    place.end(kind, "node-1", "seq 18..19")
    place.compare()
    place.open(kind, "node-1", "seq 20")
    assert place.compare() == 1


def test_the_end_of_an_incident_is_told_once(place: Desk) -> None:
    """Where the ledger knows of it: nobody is told that what a rebuilt one forgot is over."""
    for kind in (IncidentKind.DRIFT, IncidentKind.REWRITTEN):
        place.open(kind, "node-1", "a")
    assert place.compare() == 2
    for kind in (IncidentKind.DRIFT, IncidentKind.REWRITTEN):
        place.end(kind, "node-1", "a")
    assert place.compare() == 2
    assert place.compare() == 0
    over = [(e["repo"], e["kind"]) for e in place.told() if e["event"] == "incident_closed"]
    assert sorted(over) == [("node-1", "forge drift"), ("node-1", "rewritten")]
    place.open(IncidentKind.COPY_FAILED, "node-1")
    assert place.compare() == 1
    place.lose_ledger()
    for _ in range(2):
        place.later(hours=26)
        assert place.compare() == 0
