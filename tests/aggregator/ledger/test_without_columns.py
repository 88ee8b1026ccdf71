"""Where numpy cannot be loaded, or numbers do not fit, charges are taken one by one."""

import sys
from pathlib import Path

import pytest

from aggregator.ledger.charges import charging
from tests.support.ledger.world import World
from tests.support.repos import usage_line

MOST = 2**53 - 1


def filled(folder: Path) -> World:
    """A ledger with a charge of three records, and one of another user."""
    world = World(folder)
    world.rules()
    world.usage(usage_line(seq=1), usage_line(seq=2))
    world.usage(usage_line(seq=3), usage_line(seq=4, user="bob"))
    world.pull()
    return world


def test_without_numpy_the_ledger_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charging, "COLUMNS_FROM", 1)
    with_it = filled(tmp_path / "with")
    monkeypatch.setitem(sys.modules, "aggregator.ledger.charges.columns", None)
    without = filled(tmp_path / "without")
    assert without.digest() == with_it.digest()
    assert without.verify().matches


def test_sums_beyond_64_bits_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As columns until they no longer fit, and one by one from then on; without a price."""
    monkeypatch.setattr(charging, "COLUMNS_FROM", 1)
    world = World(tmp_path)
    full = 1024
    for start in (1, full + 1, 2 * full + 1):
        world.usage(*(usage_line(seq=seq, units=MOST) for seq in range(start, start + full)))
        world.pull()
    assert world.charges()[0]["quantity"] == 3 * full * MOST > 2**64
    assert world.verify().matches


def test_a_stored_sum_beyond_64_bits_takes_a_small_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added fits into a column, what it is added to does not."""
    world = World(tmp_path)
    full = 1024
    for start in (1, full + 1, 2 * full + 1):
        world.usage(*(usage_line(seq=seq, units=MOST) for seq in range(start, start + full)))
    world.pull()
    monkeypatch.setattr(charging, "COLUMNS_FROM", 1)
    world.usage(usage_line(seq=3 * full + 1, units=1))
    world.pull()
    assert world.charges()[0]["quantity"] == 3 * full * MOST + 1
    assert world.verify().matches
