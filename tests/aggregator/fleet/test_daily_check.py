"""The daily check: when it runs, and what is known while it cannot see everything."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aggregator.daemon.services import Services
from aggregator.fleet.drift import daily_check
from aggregator.fleet.drift.comparison import Checked
from aggregator.fleet.drift.daily_check import EVERY_S, PAUSE_S, DriftCheck
from aggregator.fleet.drift.differences import Drift, What
from aggregator.reports import repos
from tests.aggregator.fleet.fleet import Fleet

UNCHECKED, DRIFT = "forge not checked", "forge drift"
HOUR_S = 3600
PATIENCE_S = 60


class Checking:
    """The checks of one daemon.

    Attributes:
        passed_s: its monotonic clock, set by hand.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.passed_s = 100.0
        self.check = DriftCheck(fleet.state, lambda: fleet.now, lambda: self.passed_s)

    def run(self) -> bool | None:
        """Make a check if one is due; returns whether it was complete."""
        self.check.start()
        if self.check._background.is_free:
            return None
        end_s = time.monotonic() + PATIENCE_S
        while (ended := self.check.collect(self.fleet.ledger.store)) is None:
            assert time.monotonic() < end_s
            time.sleep(0.01)
        return ended

    def wait_s(self) -> float:
        """How long no check is made; the clock is then at the next one, which is made."""
        start_s = self.passed_s
        while self.run() is None:
            self.passed_s += 1
        return self.passed_s - start_s

    def open(self, kind: str) -> set[tuple[str, str, str]]:
        """Repo, subject and opening time of each open incident of a kind."""
        found = repos.incidents(self.fleet.ledger.store)
        return {(r["repo"] or "", r["subject"], r["opened_at"]) for r in found if r["kind"] == kind}

    def detail(self, kind: str) -> str:
        """What the one open incident of a kind says."""
        found = repos.incidents(self.fleet.ledger.store)
        (detail,) = [row["detail"] for row in found if row["kind"] == kind]
        return str(detail)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Two nodes, of which neither repo has the key and the rule that it should."""
    with Fleet(tmp_path) as made:
        made.register("node-1", "node-2")
        made.sweep()
        yield made


@pytest.fixture
def checking(fleet: Fleet) -> Checking:
    return Checking(fleet)


@pytest.fixture
def sees(monkeypatch: pytest.MonkeyPatch) -> Callable[[Checked], None]:
    """Lets every check end with a result."""

    def give(checked: Checked) -> None:
        monkeypatch.setattr(daily_check, "check", lambda *_, **__: checked)

    return give


def test_a_check_is_made_at_the_start_and_after_a_day(checking: Checking) -> None:
    assert checking.run() is True
    checking.passed_s += EVERY_S - 1
    assert checking.run() is None
    checking.passed_s += 1
    assert checking.run() is True


@pytest.mark.parametrize("fault", ["403", "500", "garbage_json"])
def test_a_check_that_fails_is_an_incident_with_reason_and_token_until_one_does_not(
    checking: Checking, fleet: Fleet, fault: str
) -> None:
    fleet.forge.misbehave(fault, where="/keys")
    assert checking.run() is False
    detail = checking.detail(UNCHECKED)
    assert "/keys" in detail
    assert f"; the token is that of {fleet.folder / 'token'}" in detail
    assert checking.wait_s() > 0
    assert len(checking.open(UNCHECKED)) == 1
    fleet.forge.behave()
    checking.wait_s()
    assert checking.open(UNCHECKED) == set()


def test_the_hint_of_the_error_is_in_the_incident(checking: Checking, fleet: Fleet) -> None:
    fleet.forge.misbehave("403", where="/keys")
    checking.run()
    assert "its user must be an owner of" in checking.detail(UNCHECKED)


def test_a_token_that_cannot_be_read_is_an_incident(checking: Checking, fleet: Fleet) -> None:
    (fleet.folder / "token").unlink()
    assert checking.run() is False
    assert str(fleet.folder / "token") in checking.detail(UNCHECKED)


def test_a_check_that_fails_ends_no_incident(checking: Checking, fleet: Fleet) -> None:
    checking.run()
    before = checking.open(DRIFT)
    assert {repo for repo, _, _ in before} == {"node-1", "node-2"}
    fleet.forge.misbehave("403", where="/keys")
    checking.passed_s += EVERY_S
    assert checking.run() is False
    assert checking.open(DRIFT) == before


def test_what_was_not_seen_stays_open_and_what_was_seen_to_be_over_ends(
    checking: Checking, sees: Callable[[Checked], None]
) -> None:
    """Of the organisation, of repos, and of repos that the ledger does not know."""
    drifts = [
        Drift(repo, what, "x", "y", "z")
        for repo, what in (
            *(("node-1", What.UNPROTECTED), ("node-2", What.UNPROTECTED)),
            *(("", What.HOOK_MISSING), ("new-1", What.UNPROTECTED), ("new-2", What.UNPROTECTED)),
        )
    ]
    sees(Checked(tuple(drifts), {}))
    checking.run()
    before = checking.open(DRIFT)
    assert len(before) == 5
    checking.passed_s += EVERY_S
    sees(Checked((), {"node-1": "403", "new-1": "403", "": "403"}))
    assert checking.run() is False
    assert {about[:2] for about in checking.open(DRIFT)} == {
        *(("node-1", "not protected"), ("", "new-1 not protected"), ("", "webhook missing")),
    }
    assert checking.open(DRIFT) <= before
    checking.passed_s += HOUR_S
    sees(Checked((), {"node-1": "403"}))
    checking.run()
    assert {about[:2] for about in checking.open(DRIFT)} == {("node-1", "not protected")}
    checking.passed_s += HOUR_S
    sees(Checked((), {}))
    assert checking.run() is True
    assert checking.open(DRIFT) == set()


def test_what_was_not_seen_is_named_and_counted(
    checking: Checking, sees: Callable[[Checked], None]
) -> None:
    sees(Checked((), {f"node-{number}": f"reason {number}" for number in range(1, 6)} | {"": "x"}))
    checking.run()
    assert checking.detail(UNCHECKED).startswith(
        "the organisation: x; node-1: reason 1; node-2: reason 2; and 3 more; the token is"
    )


def test_a_check_that_fails_is_repeated_after_a_minute_then_later_up_to_an_hour(
    checking: Checking, fleet: Fleet
) -> None:
    fleet.forge.misbehave("403", where="/keys")
    checking.run()
    assert [checking.wait_s() for _ in range(8)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    fleet.forge.behave()
    checking.wait_s()
    checking.passed_s += HOUR_S
    assert checking.run() is None
    checking.passed_s += EVERY_S
    fleet.forge.misbehave("403", where="/keys")
    checking.run()
    assert checking.wait_s() == 60


def test_a_wait_that_the_forge_asks_for_is_kept(checking: Checking, fleet: Fleet) -> None:
    fleet.forge.headers["Retry-After"] = "7200"
    fleet.forge.misbehave("429", where="/keys", times=1)
    assert checking.run() is False
    assert checking.wait_s() == 7200


def test_a_short_wait_that_the_forge_asks_for_is_part_of_the_check(
    checking: Checking, fleet: Fleet
) -> None:
    fleet.forge.headers["Retry-After"] = "1"
    fleet.forge.misbehave("429", where="/keys", times=1)
    assert checking.run() is True


def test_a_bug_in_the_check_is_an_incident_and_not_the_end_of_the_daemon(
    checking: Checking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_check, "check", lambda: None)
    assert checking.run() is False
    assert "TypeError" in checking.detail(UNCHECKED)


def test_repos_are_asked_about_with_a_pause_between_them(checking: Checking, fleet: Fleet) -> None:
    fleet.register(*(f"node-{number}" for number in range(3, 6)))
    started_s = time.monotonic()
    checking.run()
    assert time.monotonic() - started_s >= 4 * PAUSE_S


def test_stopping_ends_a_check_without_a_result_and_without_delay(
    checking: Checking, fleet: Fleet
) -> None:
    def before(request: str) -> None:
        if "/branch_protections" in request:
            checking.check.stop()

    fleet.forge.before = before
    checking.check.start()
    end_s = time.monotonic() + PATIENCE_S
    while not checking.check._background.is_free:
        assert time.monotonic() < end_s
        assert checking.check.collect(fleet.ledger.store) is None
    assert checking.open(UNCHECKED) == set()
    assert fleet.forge.count("/branch_protections") == 1


def test_a_daemon_that_ends_or_starts_again_leaves_no_check_running(fleet: Fleet) -> None:
    """Starting again keeps the process, and with it every thread."""
    services = Services(fleet.state, fleet.ledger.store, lambda: fleet.now)
    reached, go_on = threading.Event(), threading.Event()

    def before(request: str) -> None:
        if "/branch_protections" in request:
            reached.set()
            go_on.wait(PATIENCE_S)

    fleet.forge.before = before
    with services:
        services.collect()
        assert reached.wait(PATIENCE_S)
    go_on.set()
    assert services._drift._background.collect(PATIENCE_S) is not None
    assert fleet.forge.count("/branch_protections") == 1
