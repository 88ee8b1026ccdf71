"""Charges are found by their keys, however many are asked for at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.rating.rating import ChargeState
from aggregator.store.charges.charge_rows import ChargeRow
from aggregator.store.store import LedgerStore, open_for_writing

FIRST = 490_000
CHARGES = 350
BEYOND_64_BITS = 2**70


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LedgerStore]:
    """A ledger with a charge in every second hour; the quantity says which."""
    found = open_for_writing(tmp_path / "ledger.db")
    with found.transaction():
        (account,) = found.accounts.of_users({"alice"}).values()
        (resource_id,) = found.charges.resource_ids({"cpu"}).values()
        found.charges.save(
            ChargeRow(
                *(FIRST + 2 * number, account.id, resource_id, "vm", BEYOND_64_BITS + number),
                *(1, ChargeState.RATED, number, number),
            )
            for number in range(CHARGES)
        )
    yield found
    found.close()


@pytest.mark.parametrize("asked", [0, 1, 99, 100, 101, 300, 650])
def test_those_that_exist_are_found_under_their_numbers(store: LedgerStore, asked: int) -> None:
    (account,) = store.accounts.of_users({"alice"}).values()
    (resource_id,) = store.charges.resource_ids({"cpu"}).values()
    found = store.charges.find(
        (FIRST + at, account.id, resource_id, "vm", 1000 + at) for at in range(asked)
    )
    assert {at: charge.quantity for at, charge in found.items()} == {
        1000 + at: BEYOND_64_BITS + at // 2 for at in range(0, asked, 2)
    }
    assert all(
        charge[1:] == (1, 0, (at - 1000) // 2, (at - 1000) // 2) for at, charge in found.items()
    )
