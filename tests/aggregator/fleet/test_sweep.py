"""What a pass probes: repos that the forge lists as changed, need attention or are overdue."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration
from aggregator.daemon.loop import Daemon
from aggregator.pulling.passes import Puller
from aggregator.reports import repos
from aggregator.reports.accounts import balances
from gitmeter.signing.signing_key import new_signing_key
from tests.aggregator.fleet.fleet import KEY, MINUTE, START, Fleet, daemon_of

NODES = tuple(f"node-{number}" for number in range(1, 5))
HOUR = timedelta(hours=1)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as made:
        made.register(*NODES)
        made.use(*NODES)
        made.sweep()
        yield made


def git_requests(fleet: Fleet) -> int:
    return fleet.forge.count("info/refs") + fleet.forge.count("git-upload-pack")


def test_a_new_process_probes_every_repo(fleet: Fleet) -> None:
    assert fleet.sweep() == set()
    fleet.restart()
    assert fleet.sweep() == set(NODES)


def test_a_pass_with_nothing_new_costs_only_the_listing(fleet: Fleet) -> None:
    before, calls = git_requests(fleet), fleet.forge.api_counts()
    assert fleet.sweep() == set()
    assert git_requests(fleet) == before
    assert (fleet.forge.api_counts() - calls).total() == 1


def test_a_changed_repo_is_probed_and_billed(fleet: Fleet) -> None:
    fleet.use("node-2")
    assert fleet.sweep() == {"node-2"}
    assert fleet.reports["node-2"].admitted == 1
    assert fleet.sweep() == set()
    assert {row["user"] for row in balances(fleet.ledger.store, fleet.now)} == {"alice"}


def test_a_push_in_the_second_of_the_listing_is_not_missed(fleet: Fleet) -> None:
    """A change time has whole seconds, so a later push of that second shows the same time."""
    fleet.use("node-3")
    assert fleet.sweep(after=timedelta(0)) == {"node-3"}
    fleet.now -= timedelta(minutes=1)
    fleet.use("node-3")  # in the same second as the one before
    assert fleet.sweep() == {"node-3"}
    assert fleet.reports["node-3"].admitted == 1
    assert fleet.sweep() == set()


def test_every_repo_is_probed_within_an_hour(fleet: Fleet) -> None:
    seen: set[str] = set()
    for _ in range(11):
        seen |= fleet.sweep(after=timedelta(minutes=5))
    assert seen == set(NODES)


def test_a_listing_with_false_times_delays_billing_by_an_hour_at_most(fleet: Fleet) -> None:
    fleet.use("node-1")
    fleet.forge.repo("billing-node-1").updated_at = START
    fleet.sweep()
    fleet.forge.repo("billing-node-1").updated_at = START
    seen = set()
    for _ in range(13):
        seen |= fleet.sweep(after=timedelta(minutes=5))
    assert "node-1" in seen
    assert fleet.reports.keys() <= set(NODES)


def test_a_repo_that_needs_attention_is_probed_in_every_pass(fleet: Fleet) -> None:
    fleet.forge.writer("billing-node-1").commit({"usage/2025/06/01/0000000000000001.jsonl": b"x"})
    fleet.forge.touch("billing-node-1")
    fleet.sweep()
    assert fleet.sweep() == {"node-1"}
    assert "bad signature" in fleet.incidents()


def test_without_a_list_repos_are_probed_every_hour(fleet: Fleet) -> None:
    fleet.forge.misbehave("500", where="/api/v1/")
    fleet.use("node-1")
    assert fleet.sweep() == set()
    assert fleet.incidents() == {"listing failed": {"list"}}
    assert not fleet.sweeping.is_current, "the ledger is not said to be up to date"
    seen: set[str] = set()
    for _ in range(12):
        seen |= fleet.sweep(after=timedelta(minutes=5))
    assert seen == set(NODES)
    fleet.forge.behave()
    fleet.sweep(after=2 * HOUR)
    assert fleet.incidents() == {}


def test_a_token_that_is_refused_is_stated_with_what_to_do(fleet: Fleet) -> None:
    """In the incident and in the daemon's log."""
    fleet.forge.misbehave("401", where="/api/v1/")
    with capture_logs() as logged:
        fleet.sweep()
    details = {row["kind"]: row["detail"] for row in repos.incidents(fleet.ledger.store)}
    assert "(hint: the forge does not know the token in" in details["listing failed"]
    assert [entry["detail"] for entry in logged] == [details["listing failed"]]
    fleet.forge.behave()
    fleet.sweep(after=2 * HOUR)
    assert fleet.incidents() == {}


def lose_event(fleet: Fleet, node: str) -> None:
    """A push of which the forge was killed before it noted it: no webhook, and an old time."""
    repo = fleet.forge.repo(f"billing-{node}")
    before = repo.updated_at
    fleet.use(node)
    repo.updated_at = before


def test_pushes_whose_events_a_killed_forge_lost_are_billed_once_it_lists_again(
    fleet: Fleet,
) -> None:
    lose_event(fleet, "node-1")
    fleet.forge.misbehave("slam", where="/api/v1/")
    assert fleet.sweep() == set()
    fleet.forge.behave()
    assert fleet.sweep(after=2 * MINUTE) == set(NODES)
    assert fleet.sweeping.is_back
    assert fleet.reports["node-1"].admitted == 1
    assert fleet.sweep() == set(), "all of them once"
    assert not fleet.sweeping.is_back


def test_a_repo_that_was_out_of_reach_is_probed_until_it_is_back(fleet: Fleet) -> None:
    fleet.use("node-2")
    fleet.forge.misbehave("503", where="billing-node-2.git")
    assert fleet.sweep() == {"node-2"}
    lose_event(fleet, "node-2")
    assert fleet.sweep() == {"node-2"}
    fleet.forge.behave()
    assert fleet.sweep() == {"node-2"}
    assert fleet.reports["node-2"].admitted == 2
    assert fleet.sweep() == set(NODES) - {"node-2"}, "what was out of reach may have been the forge"
    assert fleet.sweep() == set()


def test_pushes_that_a_forge_lost_between_two_listings_are_billed_when_a_repo_is_back(
    fleet: Fleet,
) -> None:
    """It was killed and started again, and only the fetches of two repos met that."""
    fleet.use("node-2", "node-3")
    lose_event(fleet, "node-1")
    fleet.forge.misbehave("503", where=".git/")
    assert fleet.sweep() == {"node-2", "node-3"}
    fleet.forge.behave()
    assert fleet.sweep() == {"node-2", "node-3"}
    assert fleet.sweep() >= {"node-1", "node-4"}
    assert fleet.reports["node-1"].admitted == 1
    assert fleet.sweep() == set()


@pytest.fixture
def daemon(fleet: Fleet) -> Iterator[Daemon]:
    with daemon_of(fleet) as made:
        yield made


def test_a_forge_that_is_back_ends_the_back_off_of_its_repos(fleet: Fleet, daemon: Daemon) -> None:
    fleet.use("node-2")
    fleet.forge.misbehave("503", where="billing-node-2.git")
    for _ in range(5):
        fleet.now += timedelta(minutes=10)
        daemon._pull()
    assert daemon._backoff.is_waiting("node-2", fleet.now + timedelta(minutes=15))
    fleet.forge.misbehave("503")
    daemon._pull()
    assert fleet.incidents() == {"listing failed": {"list"}, "unreachable": {"node-2"}}
    fleet.forge.behave()
    fleet.now += 2 * MINUTE
    daemon._pull()
    assert fleet.incidents() == {}


@pytest.mark.parametrize("scheme", ["https", "ssh"])
def test_a_repo_that_became_public_is_an_incident_until_it_is_private(
    fleet: Fleet, scheme: str
) -> None:
    """Of a node, of a retired one, and of a `[[repo]]` table, which the forge knows by its path."""
    fleet.bind("node-3", 3, retired_at=START)
    books = fleet.forge.create("books").name
    path = f"{fleet.forge.org.name}/{books}.git"
    url = fleet.forge.clone_url(books) if scheme == "https" else f"ssh://git@127.0.0.1:1/{path}"
    config = fleet.folder / "aggregator.toml"
    table = f'[[repo]]\nnode = "books"\nrole = "books"\nallow_unsigned = true\nurl = "{url}"\n'
    config.write_text(f"{config.read_text()}{table}")
    fleet.restart()
    fleet.forge.create("website", private=False)
    public = ("billing-node-1", "billing-node-3", books)
    for name in public:
        fleet.forge.repo(name).private = False
    fleet.sweep()
    assert fleet.incidents()["repo public"] == {"node-1", "node-3", "books"}
    for name in public:
        fleet.forge.repo(name).private = True
    fleet.sweep()
    assert "repo public" not in fleet.incidents()


def test_a_rate_limit_is_obeyed(fleet: Fleet) -> None:
    fleet.forge.headers["Retry-After"] = "900"
    fleet.forge.misbehave("429", where="/api/v1/", times=1)
    fleet.sweep()
    asked = fleet.forge.count("/api/v1/")
    fleet.sweep(after=timedelta(minutes=14))
    assert fleet.forge.count("/api/v1/") == asked
    fleet.sweep(after=timedelta(minutes=2))
    assert fleet.forge.count("/api/v1/") == asked + 1


def test_an_unregistered_repo_is_pending_and_bills_nothing(fleet: Fleet) -> None:
    fleet.forge.create("billing-node-9")
    fleet.forge.create("website")
    assert fleet.sweep() == set()
    assert fleet.incidents() == {}, "whoever makes repos has one pass to register them"
    assert fleet.sweep() == set()
    assert fleet.incidents() == {"pending repo": {"billing-node-9"}}
    fleet.bind("node-9", fleet.forge.repo("billing-node-9").id)
    assert fleet.sweep() == {"node-9"}
    assert fleet.incidents() == {}


def test_a_repo_that_vanishes_is_kept_shown_and_probed_again(fleet: Fleet) -> None:
    fleet.forge.delete("billing-node-4")
    fleet.sweep()
    assert fleet.incidents() == {"repo vanished": {"node-4"}}
    seen: set[str] = set()
    for _ in range(12):
        seen |= fleet.sweep(after=timedelta(minutes=5))
    assert "node-4" in seen
    assert fleet.incidents() == {"repo vanished": {"node-4"}, "repo gone": {"node-4"}}
    assert list(balances(fleet.ledger.store, fleet.now)) != []


def test_too_many_that_vanish_at_once_stop_the_sweep(fleet: Fleet) -> None:
    fleet.forge.delete("billing-node-3")
    fleet.forge.delete("billing-node-4")
    fleet.forge.create("billing-node-9")
    fleet.use("node-1")
    assert fleet.sweep() == set(), "nothing of such a listing is believed"
    assert fleet.incidents() == {"listing shrank": {"list"}}
    for name in ("node-3", "node-4"):
        fleet.bind(name, 1 + NODES.index(name), retired_at=START)
    fleet.sweep()
    assert fleet.incidents() == {}
    assert fleet.reports["node-1"].admitted == 1


def test_repos_that_vanished_before_a_rebuild_are_believed_to_be_gone(fleet: Fleet) -> None:
    """They vanished one after the other, and a new ledger does not know that."""
    for name in ("billing-node-3", "billing-node-4"):
        fleet.forge.delete(name)
        fleet.sweep()
    fleet.lose_ledger()
    fleet.sweep()
    assert fleet.incidents()["repo vanished"] == {"node-3", "node-4"}
    assert "listing shrank" not in fleet.incidents()


def test_a_token_that_cannot_be_read_does_not_stop_billing(fleet: Fleet) -> None:
    (fleet.folder / "token").unlink()
    fleet.use("node-1")
    fleet.sweep()
    assert fleet.incidents() == {"listing failed": {"list"}}


def test_a_repo_that_vanished_before_a_restart_does_not_stop_the_sweep_after_it(
    fleet: Fleet,
) -> None:
    fleet.forge.delete("billing-node-3")
    fleet.sweep()
    fleet.restart()
    fleet.forge.delete("billing-node-4")
    fleet.sweep()
    assert fleet.incidents()["repo vanished"] == {"node-3", "node-4"}
    assert "listing shrank" not in fleet.incidents()


def test_a_rename_is_an_incident_until_it_is_undone(fleet: Fleet) -> None:
    fleet.forge.rename("billing-node-1", "billing-node-8")
    fleet.sweep()
    renamed = {"repo renamed": {"node-1"}, "repo gone": {"node-1"}}
    assert fleet.incidents() == renamed, "and not pending as node-8's"
    fleet.forge.rename("billing-node-8", "billing-node-1")
    fleet.sweep()
    assert fleet.incidents() == {}


def test_a_recreated_repo_is_not_read_until_it_is_registered(fleet: Fleet) -> None:
    again = fleet.forge.recreate("billing-node-2")
    fleet.use("node-2")
    assert "node-2" not in fleet.sweep()
    assert fleet.incidents() == {"repo created anew": {"node-2"}}
    fleet.sweep(after=2 * HOUR)
    assert "node-2" not in fleet.reports
    fleet.restart()
    fleet.forge.misbehave("500", where="/api/v1/")
    fleet.sweep()
    assert "node-2" not in fleet.reports, "nor after a restart, whatever the forge says"
    fleet.forge.behave()
    fleet.sweep(after=2 * HOUR)
    fleet.bind("node-2", again.id)
    assert "node-2" in fleet.sweep()


@pytest.mark.parametrize("says_which", [True, False])
def test_a_key_that_is_registered_during_a_pass_is_known_to_it(
    fleet: Fleet, *, says_which: bool
) -> None:
    """The push came after the registration, and is fetched by a pass that began before both."""
    forge_id = fleet.forge.repo("billing-node-1").id
    other = RegisteredKey(line=new_signing_key().public.line, added_at=START)
    fleet.bind("node-1", forge_id, keys=(other,))
    fleet.sweep()
    fleet.use("node-1", "node-2")

    def register() -> set[str]:
        fleet.bind("node-1", forge_id)
        changed = fleet.registrations.refresh(fleet.ledger.store, fleet.now)
        return changed if says_which else set()

    puller = Puller(fleet.state, fleet.ledger, lambda: fleet.now)
    found = [(r.name, r.incident, r.admitted) for r in puller.pull(also=register)]
    assert set(found) >= {("node-1", None, 1), ("node-2", None, 1)}
    assert "bad signature" not in fleet.incidents()


def test_registrations_are_taken_over_without_a_restart_and_bad_ones_are_not(fleet: Fleet) -> None:
    (fleet.nodes_dir / "node-7.toml").write_text('node = "node-8"')
    fleet.sweep()
    assert fleet.incidents() == {"bad registration": {"nodes.d/node-7"}}
    fleet.register("node-5")
    assert fleet.sweep() == {"node-5"}, "one bad file does not affect others"
    (fleet.nodes_dir / "node-7.toml").unlink()
    (fleet.nodes_dir / "node-5.toml").write_text("garbage")
    fleet.use("node-5")
    assert fleet.sweep() == {"node-5"}, "its former registration stays in force"
    assert fleet.incidents() == {"bad registration": {"nodes.d/node-5"}}
    fleet.restart()
    fleet.use("node-1")
    assert fleet.sweep() == {*NODES}, "nor does it keep a new process from billing the others"
    assert fleet.incidents() == {"bad registration": {"nodes.d/node-5"}}


def test_a_missing_folder_stops_the_billing_of_no_node(fleet: Fleet) -> None:
    away = fleet.nodes_dir.rename(fleet.folder / "away")
    fleet.use("node-1")
    assert fleet.sweep() == {"node-1"}
    assert fleet.incidents() == {"bad registration": {"nodes.d/"}}
    away.rename(fleet.nodes_dir)
    fleet.sweep()
    assert fleet.incidents() == {}


def test_a_change_that_would_judge_billed_records_again_waits_for_a_restart(fleet: Fleet) -> None:
    fleet.bind("node-1", 1, allow=("llm/*",))
    closed = RegisteredKey(line=KEY.public.line, added_at=START, closed_at=START)
    fleet.bind("node-2", 2, keys=(closed,))
    fleet.use("node-1", "node-2")
    fleet.sweep()
    assert fleet.reports["node-1"].admitted == 1
    assert fleet.incidents() == {
        "bad registration": {"nodes.d/node-1"},
        "bad signature": {"node-2"},  # a stolen key is closed whatever else is wrong
    }
    fleet.restart()
    fleet.sweep()
    assert fleet.reports["node-1"].incident is None


def test_a_repo_that_is_no_longer_read_has_no_open_incident(fleet: Fleet) -> None:
    fleet.forge.delete("billing-node-4")
    fleet.forge.delete("billing-node-3")
    fleet.sweep(after=2 * HOUR)
    assert fleet.incidents()["repo gone"] == {"node-3", "node-4"}
    fleet.bind("node-4", 4, retired_at=START)
    (fleet.nodes_dir / "node-3.toml").unlink()
    fleet.sweep()
    assert fleet.incidents() == {}


def test_a_forge_that_is_no_longer_configured_leaves_no_incident_open(fleet: Fleet) -> None:
    fleet.forge.recreate("billing-node-2")
    fleet.forge.create("billing-node-9")
    fleet.sweep()
    fleet.sweep()
    config = fleet.folder / "aggregator.toml"
    config.write_text(config.read_text().partition("[forge]")[0])
    fleet.restart()
    fleet.sweep()
    assert fleet.incidents().keys() == {"bad registration"}


def test_a_node_with_two_repos_is_read_from_both(fleet: Fleet) -> None:
    first = fleet.forge.repo("billing-node-1").id
    next_one = fleet.forge.create("billing-node-1.2027")
    fleet.sweep()
    fleet.sweep()
    assert fleet.incidents() == {"pending repo": {"billing-node-1.2027"}}
    repos = [
        RegisteredRepo(name=name, forge_name=f"billing-{name}", forge_id=number)
        for name, number in (("node-1", first), ("node-1.2027", next_one.id))
    ]
    fleet.bind("node-1", first, repos=tuple(repos))
    assert fleet.sweep() == {"node-1.2027"}
    assert isinstance(fleet.state.config.repo[0].forge_id, int)
    assert Registration.model_fields.keys() >= {"node", "keys", "repos"}
