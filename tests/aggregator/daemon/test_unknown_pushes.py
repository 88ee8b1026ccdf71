"""Pushes to repos that are not registered: how often one looks for a registration."""

from collections.abc import Collection

from aggregator.daemon.unknown_pushes import KEPT_S, LOOK_AGAIN_S, LOOK_S, UnknownPushes


def looks(*, until_s: int, pushes_at_s: Collection[int] = ()) -> list[int]:
    """The seconds at which one looks, of a loop that turns every second."""
    unknown = UnknownPushes()
    found = []
    for now_s in range(until_s):
        if now_s in pushes_at_s:
            unknown.note(now_s)
        if unknown.is_look_due(now_s):
            found.append(now_s)
    return found


def test_after_a_push_one_looks_at_once_and_then_again_for_a_minute() -> None:
    assert looks(until_s=200, pushes_at_s={5}) == list(range(5, 5 + int(KEPT_S), int(LOOK_AGAIN_S)))


def test_another_push_is_looked_at_at_once_too() -> None:
    assert looks(until_s=25, pushes_at_s={5, 12}) == [5, 12, 22]


def test_however_many_pushes_come_one_looks_every_two_seconds() -> None:
    assert looks(until_s=20, pushes_at_s=range(20)) == list(range(0, 20, int(LOOK_S)))


def test_without_a_push_nobody_looks() -> None:
    assert looks(until_s=200) == []
