"""The tiers that are stored for display follow the books, and cost nothing in between."""

from pathlib import Path

import pytest

from aggregator.ledger.ledger import Ledger
from aggregator.pulling.passes import Puller
from tests.support.ledger.world import World, money_line, usage_line


def test_all_tiers_are_updated_once_after_the_books_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the process that reads on: its later passes look at no account that nothing was new of."""
    world = World(tmp_path)
    updates = 0
    promote = Ledger.promote_tiers

    def counted(ledger: Ledger, hour: int) -> None:
        nonlocal updates
        updates += 1
        promote(ledger, hour)

    monkeypatch.setattr(Ledger, "promote_tiers", counted)
    world.rules()
    world.usage(usage_line(seq=1))
    seen: list[int] = []
    with world.ledger() as ledger:
        puller = Puller(world.state, ledger, lambda: world.now)
        for seq in range(1, 6):
            if seq in {1, 4}:
                world.pay(money_line(seq=seq))
            world.usage(usage_line(seq=seq))
            assert [r.incident for r in puller.pull() if r.incident] == []
            seen.append(updates)
    assert seen == [1, 1, 1, 2, 2]
