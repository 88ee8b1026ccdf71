"""Whether webhooks arrive: which pushes count as found without one, and what is said of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.daemon.missing_hooks import ON_ITS_WAY_S, PUSHES, FoundPush, Missing, MissingHooks
from aggregator.serving.pulse import HookResult

START = datetime(2026, 1, 1, tzinfo=UTC)
PASS_S = 300
LONG_S = 86_400


class Loop:
    """The loop of a daemon, whose time is set by hand: it reads repos, and webhooks arrive."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.hooks = MissingHooks()
        self.counts = dict.fromkeys(HookResult, 0)
        self._accepted_s: float | None = None

    def read(self, name: str, *, push: bool = False, whole: bool = True) -> None:
        """Read a repo in a pass of its own, in no time."""
        self.hooks.begin([name], self.now_s)
        self.end(name, push=push, whole=whole)

    def end(self, name: str, *, push: bool = False, whole: bool = True) -> None:
        """Report a repo whose reading began before."""
        at = START + timedelta(seconds=self.now_s)
        self.hooks.read(name, FoundPush(self.now_s, at) if push else None, is_whole=whole)

    def accept(self) -> None:
        """Accept a webhook about any repo."""
        self._accepted_s = self.now_s
        self.counts[HookResult.ACCEPTED] += 1
        self.hooks.heard(self._accepted_s, dict(self.counts))

    def hear_while_reading(self, names: str) -> None:
        """Accept a webhook after the reading of these repos began, and before it ends."""
        self.hooks.begin(names, self.now_s)
        self.passes(5)
        self.accept()
        self.passes(5)

    def passes(self, seconds: float = PASS_S) -> None:
        """Let time pass."""
        self.now_s += seconds

    def judge(self) -> Missing | None:
        """What is known now."""
        self.hooks.heard(self._accepted_s, dict(self.counts))
        return self.hooks.judge(self.now_s, self.counts)

    @property
    def pushes(self) -> int:
        """How many pushes count, once those just found have waited."""
        self.passes(ON_ITS_WAY_S)
        found = self.judge()
        return 0 if found is None else found.pushes


@pytest.fixture
def loop() -> Loop:
    """A daemon that has read three repos once."""
    made = Loop()
    for name in "abc":
        made.read(name)
    made.passes()
    return made


def find(loop: Loop, names: str) -> None:
    """Find a push in each of these repos, in a pass."""
    for name in names:
        loop.read(name, push=True)
    loop.passes()


@pytest.mark.parametrize("names", ["abc", "aaa", "aab"])
def test_three_pushes_without_a_webhook_are_too_many(loop: Loop, names: str) -> None:
    for name in names:
        assert loop.judge() is None
        find(loop, name)
    found = loop.judge()
    assert found is not None
    assert found.pushes == PUSHES
    assert found.since == START + timedelta(seconds=1000 + PASS_S)


def test_fewer_are_not(loop: Loop) -> None:
    find(loop, "ab")
    loop.passes(LONG_S)
    assert loop.judge() is None


@pytest.mark.parametrize("is_heard", [True, False])
def test_what_was_pushed_before_the_daemon_had_read_the_repo_counts_for_nothing(
    *, is_heard: bool
) -> None:
    """The webhook came to a daemon that is gone, or to none."""
    loop = Loop()
    if is_heard:
        loop.accept()
    for name in "abcdef":
        loop.read(name, push=True)
    assert loop.pushes == 0


def test_a_webhook_may_be_on_its_way_when_its_push_is_found(loop: Loop) -> None:
    for name in "abc":
        loop.read(name, push=True)
    loop.passes(ON_ITS_WAY_S - 1)
    assert loop.judge() is None
    loop.accept()
    assert loop.pushes == 0
    find(loop, "a")
    find(loop, "a")
    assert loop.pushes == 0, "those before it are forgotten"


def test_one_webhook_about_any_repo_says_that_they_arrive(loop: Loop) -> None:
    find(loop, "abc")
    assert loop.judge() is not None
    loop.accept()
    assert loop.judge() is None
    loop.passes()
    find(loop, "ab")
    assert loop.judge() is None


def test_they_can_cease_to_arrive(loop: Loop) -> None:
    loop.accept()
    loop.passes()
    find(loop, "abc")
    assert loop.judge() is None, "the webhook may have been about these"
    find(loop, "abc")
    assert loop.judge() is not None


def test_a_webhook_before_its_push_is_found_makes_it_no_push_without_one(loop: Loop) -> None:
    """Its repo waits because its server asked for that, or is read by the pass at hand."""
    for name in "abc":
        loop.accept()
        loop.passes(LONG_S)
        loop.read(name, push=True)
    assert loop.pushes == 0


def test_a_webhook_that_comes_while_its_repo_is_read_belongs_to_the_next_reading(
    loop: Loop,
) -> None:
    """The head was read before the push; the report comes after the webhook."""
    loop.hear_while_reading("abc")
    for name in "abc":
        loop.end(name)
    loop.passes()
    find(loop, "abc")
    assert loop.pushes == 0


def test_reading_again_before_the_first_reading_is_reported_begins_with_the_first(
    loop: Loop,
) -> None:
    loop.hear_while_reading("abc")
    loop.hooks.begin("abc", loop.now_s)
    for name in "abc":
        loop.end(name)
        loop.end(name, push=True)
    assert loop.pushes == 0


def test_a_push_that_is_read_in_parts_counts_once(loop: Loop) -> None:
    for _ in range(PUSHES):
        loop.read("a", push=True, whole=False)
        loop.passes()
    assert loop.pushes == 0


def test_what_is_held_and_billed_later_was_pushed_before_the_webhook(loop: Loop) -> None:
    """Each reading ends with an incident until the operator ends it."""
    loop.accept()
    for _ in range(5):
        loop.passes()
        for name in "abc":
            loop.read(name, whole=False)
    loop.passes()
    find(loop, "abc")
    assert loop.pushes == 0


def test_pushes_whose_events_a_killed_forge_lost_are_a_coincidence(loop: Loop) -> None:
    """Others of the time arrived."""
    loop.passes()
    loop.accept()
    loop.passes()
    find(loop, "abc")
    assert loop.pushes == 0


def test_the_order_in_which_repos_are_found_changes_nothing(loop: Loop) -> None:
    orders = []
    for names in ("abc", "cba", "bac"):
        loop.accept()
        for name in "abc":
            loop.passes(1)
            loop.read(name)
        loop.passes()
        find(loop, names)
        orders.append(loop.pushes)
    assert orders == [PUSHES] * 3


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({}, "nothing arrived: ALLOWED_HOST_LIST"),
        ({HookResult.WRONG_SIGNATURE: 4}, "4 another secret: `aggregator forge hook`"),
        ({HookResult.UNSIGNED: 1}, "1 no signature: `aggregator forge hook`"),
        ({HookResult.WRONG_METHOD: 2}, "2 not POST: the webhook's method, or a redirect"),
        ({HookResult.WRONG_PATH: 2, HookResult.FORM: 1}, "1 sent as a form"),
        ({HookResult.NO_SECRET: 3}, "3 no webhook_secret_file under [listen]"),
        ({HookResult.IGNORED: 3}, "3 signed, but about another event, branch or repo"),
    ],
)
def test_it_says_what_arrived_instead_and_what_to_look_at(
    loop: Loop, others: Mapping[HookResult, int], said: str
) -> None:
    loop.counts |= dict.fromkeys(HookResult, 7)  # what had come until one was accepted
    loop.accept()
    for result, count in others.items():
        loop.counts[result] += count
    loop.passes()
    find(loop, "abc")
    find(loop, "abc")
    found = loop.judge()
    assert found is not None
    sentence = found.sentence("https://meter.example/webhook")
    assert sentence.startswith(f"{PUSHES} pushes were found since 2026-01-01T00:")
    assert said in sentence
    assert "7 " not in sentence


def test_every_result_that_is_no_acceptance_has_words() -> None:
    counts = dict.fromkeys(HookResult, 0)
    for result in set(HookResult) - {HookResult.ACCEPTED}:
        others = counts | {result: 3}
        assert "3 " in Missing(PUSHES, START, others).sentence("https://m.example/webhook")
