"""A repo that lacks any one object is an error with a way out, never a bug report."""

import itertools
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from gitmeter.support.errors import GitmeterError
from node_pusher.home.errors import HomeError
from node_pusher.home.home import Home
from node_pusher.joining.init import init
from node_pusher.repo.ledger_repo import LedgerRepo
from node_pusher.repo.repo_errors import repo_errors
from node_pusher.sending.correct import correct as record_correction
from node_pusher.sending.history import log, status
from node_pusher.sending.push import push
from node_pusher.spool.api import Spool
from tests.node_pusher.conftest import START, MakeHome, record, spool_count


def objects_of(home: Home) -> list[Path]:
    return sorted((home.repo.path / "objects").glob("??/*"))


def correct(home: Home) -> None:
    with Spool.open(home.path) as spool:
        record_correction(spool, 1, units=1, reason="x")


def test_whichever_object_is_missing_is_said_with_a_way_out(
    make_home: MakeHome, tmp_path: Path
) -> None:
    home = make_home("home")
    for _ in range(2):
        record(home)
        push(home, START)
    record(home)
    names = [file.relative_to(home.path) for file in objects_of(home)]
    assert len(names) > 10
    backup = shutil.copytree(home.path, tmp_path / "backup")
    works = {
        "push": lambda: push(home, START),
        "status": lambda: status(home),
        "log": lambda: list(log(home, None)),
        "correct": lambda: correct(home),
    }
    failed = Counter[str]()
    for name, (command, work) in itertools.product(names, works.items()):
        (home.path / name).unlink()
        error = error_of(work)
        if error is not None:
            failed[command] += 1
            assert "--rejoin" in error.hint, (name, command, error)
        shutil.rmtree(home.path)
        shutil.copytree(backup, home.path)
    assert set(failed) == set(works)


def error_of(work: Callable[[], object]) -> GitmeterError | None:
    """What is wrong, as a program would say it; anything else is a bug and raised."""
    try:
        work()
    except GitmeterError as error:
        return error
    return None


@pytest.mark.parametrize("what", ["commit", "tree"])
def test_the_way_out_leads_out(home: Home, what: str) -> None:
    record(home)
    head = push(home, START).head or ""
    record(home)
    name = head if what == "commit" else LedgerRepo(home.repo).raw_commit(head)[5:45].decode()
    (home.repo.path / "objects" / name[:2] / name[2:]).unlink()
    with pytest.raises(HomeError, match=r"repo\.git is damaged"):
        push(home, START)
    home.repo.path.rename(home.path / "aside.git")
    assert init(home, START, rejoin=True).outcome == "rejoined"
    assert push(home, START).retired == 1
    assert spool_count(home) == 0


def test_a_key_that_is_missing_elsewhere_stays_a_bug(home: Home) -> None:
    with pytest.raises(KeyError), repo_errors(home.repo.path):
        raise KeyError("node")
