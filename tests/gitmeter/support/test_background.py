"""Work beside a loop: one piece at a time, its result or its error collected once."""

import threading

import pytest

from gitmeter.support.background import Background

PATIENCE_S = 60


def test_a_result_is_collected_once_it_is_there() -> None:
    background, go_on = Background[int](), threading.Event()
    assert background.collect() is None
    background.start(lambda: 17 if go_on.wait() else 0)
    assert background.collect() is None
    assert not background.is_free
    go_on.set()
    ended = background.collect(PATIENCE_S)
    assert ended is not None
    assert ended.result() == 17
    assert background.collect() is None
    assert background.is_free


def test_an_error_is_collected_as_one() -> None:
    background = Background[int]()
    background.start(lambda: 1 // 0)
    ended = background.collect(PATIENCE_S)
    assert ended is not None
    assert isinstance(ended.exception(), ZeroDivisionError)
    assert background.is_free


def test_nothing_is_started_before_the_last_is_collected() -> None:
    background = Background[int]()
    background.start(lambda: 1)
    with pytest.raises(RuntimeError, match="one piece of work at a time"):
        background.start(lambda: 2)
    ended = background.collect(PATIENCE_S)
    assert ended is not None
    assert ended.result() == 1
