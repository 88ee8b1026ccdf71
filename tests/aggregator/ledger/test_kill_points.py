"""A process may die anywhere: the next one ends in the same ledger."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from aggregator.ledger import ingest, pending
from aggregator.ledger.reading import walk
from aggregator.mirrors.mirror import Mirror
from aggregator.store.repo_rows import RepoRows
from tests.aggregator.broken_variants import scenarios
from tests.support.ledger.telling import mismatches
from tests.support.ledger.world import PRICES, DeathError, World, money_line, usage_line
from tests.support.memory import MEMORY
from tests.support.reference import Ledger

STATEMENTS_MIN = 100
"""A pull of the world below makes more than this; with fewer, this module would prove little."""

LEFT_MIN = 5
"""And its deaths leave more than this many different things on disk."""


def eventful(world: World) -> Ledger:
    """Two pulls' worth of everything that a transaction does; the second is left to be pulled."""
    world.rules()
    earlier = [usage_line(seq=seq, units=9, ts=f"2025-01-15T00:3{seq}:00Z") for seq in range(1, 5)]
    forged = usage_line(seq=7, node="node-2", ts="2025-01-15T00:30:00Z")
    world.usage(*earlier)
    refused = money_line(seq=9, kind="refund", refers_to=8)
    world.pay(refused)
    world.pull()
    smaller = usage_line(seq=2, units=1, ts="2025-01-15T00:32:00Z")
    later = [usage_line(seq=seq, user="b:2", ts="2025-01-15T01:00:00Z") for seq in (5, 6)]
    reused = usage_line(seq=4, user="b:2", ts="2025-01-15T02:00:00Z")
    later.append(reused)
    world.usage(smaller, later[0], b"no line\n")
    world.usage(*earlier, *later, forged)
    payments = [money_line(seq=seq, provider="stripe", external_ref="pi") for seq in (1, 2)]
    world.pay(*payments)
    world.rules(PRICES.replace(b"3.60", b"7.20"))
    world.fetch()
    expected = scenarios.expect(
        {*earlier, smaller, *later},
        {*payments, refused},
        prices=[{**scenarios.PRICE, "usd": "7.20"}],
    )
    expected.held[forged] = "wrong_node"
    return expected


def copy_of(world: World, folder: Path) -> World:
    """Another aggregator of the same remotes, with a copy of this one's state."""
    other = World(folder)
    other._writers, other._repos = world._writers, world._repos
    shutil.copytree(world.config.state, other.config.state)
    return other


def on_disk(world: World) -> frozenset[tuple[Path, bytes]]:
    """Every file of an aggregator's state: all that the next process has of the one that died."""
    state = world.config.state
    files = (path for path in state.rglob("*") if path.is_file())
    return frozenset((path.relative_to(state), path.read_bytes()) for path in files)


@pytest.mark.parametrize("batch_weight", [1, ingest.BATCH_WEIGHT])
def test_death_before_any_statement_changes_nothing(
    batch_weight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every statement of a pull, beginnings and commits of transactions included.

    Most deaths leave what another has left; the next process is started once for each of those.
    """
    monkeypatch.setattr(ingest, "BATCH_WEIGHT", batch_weight)
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder) / "template")
        expected = eventful(world)
        before = on_disk(world)
        unharmed = copy_of(world, Path(folder) / "unharmed")
        statements = unharmed.mortal_pull(None)
        assert mismatches(unharmed, expected) == []
        assert statements > STATEMENTS_MIN
        digest, open_kinds = unharmed.digest(), unharmed.open_kinds()
        assert open_kinds
        continued = {before}  # by `unharmed`
        other = copy_of(world, Path(folder) / "other")
        for survived in range(statements):
            with pytest.raises(DeathError):
                other.mortal_pull(survived)
            left = on_disk(other)
            if left not in continued:
                continued.add(left)
                other.pull()
                assert other.digest() == digest, f"died before statement {survived + 1}"
                assert other.open_kinds() == open_kinds
            if on_disk(other) != before:
                shutil.rmtree(other.folder)
                other = copy_of(world, Path(folder) / "other")
        assert len(continued) > LEFT_MIN


def die(*_: object, **__: object) -> None:
    raise DeathError


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Mirror, "advance_applied"),
        (RepoRows, "save_check"),
        (walk, "commit_delta"),
        (pending, "read_segment"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_death_outside_the_transaction_changes_nothing(
    owner: object, name: str, tmp_path: Path
) -> None:
    """Between the transaction and moving the mirror's ref, and before anything is written."""
    world = World(tmp_path / "a")
    expected = eventful(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, die)
        with pytest.raises(DeathError):
            world.pull("node-1")
    world.pull()
    assert mismatches(world, expected) == []
    assert world.verify().matches


@pytest.mark.parametrize("batch_weight", [1, 2, 3])
def test_the_size_of_batches_does_not_matter(
    batch_weight: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "a")
    expected = eventful(world)
    other = copy_of(world, tmp_path / "b")
    other.pull()
    monkeypatch.setattr(ingest, "BATCH_WEIGHT", batch_weight)
    world.pull()
    assert mismatches(world, expected) == []
    assert world.digest() == other.digest() == world.rebuilt_digest()


KILLED = """
import os, signal, sys
from pathlib import Path
from aggregator.{module} import {owner}

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

{owner}.{name} = die
from aggregator.cli import main
sys.argv = ["aggregator", "--config", sys.argv[1], "pull"]
main()
"""


@pytest.mark.parametrize(
    ("module", "owner", "name"),
    [
        ("store.line_rows", "LineRows", "add_counts"),
        ("store.charges.charge_rows", "ChargeRows", "save"),
        ("mirrors.mirror", "Mirror", "advance_applied"),
    ],
)
def test_a_killed_process_changes_nothing(
    module: str, owner: str, name: str, tmp_path: Path
) -> None:
    """SIGKILL in the middle of a transaction and just after it, to the program itself."""
    world = World(tmp_path)
    expected = eventful(world)
    config = world.write_config()
    script = KILLED.format(module=module, owner=owner, name=name)
    killed = subprocess.run(
        [sys.executable, "-c", script, str(config)], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    world.pull()
    assert mismatches(world, expected) == []
    assert world.verify().matches
