"""What grants pay after a change is what they pay if all charges draw anew."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.ledger.charges.draws import GrantDraws
from aggregator.rating.drawing import Billed, draw
from aggregator.rating.rating import ChargeState, Rater
from aggregator.store.account_rows import AccountRow
from aggregator.store.charges.active_periods import PERIOD_HOURS
from aggregator.store.charges.charge_rows import ChargeRow, ChargeRows, RatedCharge
from aggregator.store.store import LedgerStore, open_for_writing
from gitmeter.money.granted import EVER_HOUR, Granted, Hours
from tests.support.memory import MEMORY
from tests.support.priced import book

LAST_HOUR: Final = 20 * PERIOD_HOURS
RESOURCES: Final = ("b", "a")
"""Their rows are not in the order of their names."""

Costs = Mapping[tuple[int, str], int]
"""By hour and resource what a charge costs, in nano-dollars."""

Change = dict[tuple[int, str], int | None]
"""The same of charges that change; None of those that are no longer."""

HOURS: Final = st.integers(0, LAST_HOUR)
KEYS: Final = st.tuples(HOURS, st.sampled_from(RESOURCES))
COSTS: Final = st.integers(0, 5)


def granted(
    number: int,
    nano: int,
    hours: tuple[int, int | None] = (0, None),
    priority: int = 0,
    scope: tuple[str, ...] | None = None,
) -> Granted:
    """A grant that pays from an hour on, and before another one."""
    first, until = hours
    spans = (Hours(first, EVER_HOUR if until is None else until),)
    name = f"grant-{number}"
    return Granted("manual", name, nano, "promotional", priority, first, until, scope, spans)


@st.composite
def grants(draw: st.DrawFn) -> list[Granted]:
    """Some grants, with and without an end, of which several may pay in one hour."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        first = draw(HOURS)
        until = draw(st.none() | st.integers(first + 1, LAST_HOUR + 2))
        scope = draw(st.none() | st.sampled_from([("a",), ("b",)]))
        nano = draw(st.integers(1, 100))
        found.append(granted(number, nano, (first, until), draw(st.integers(0, 2)), scope))
    return found


class OneAccount:
    """One account in a ledger, with charges and grants."""

    def __init__(self, store: LedgerStore, given: list[Granted]) -> None:
        self.store = store
        self.account: AccountRow = store.accounts.of_users(["alice"])["alice"]
        self.account.grants = tuple(given)
        self.costs: dict[tuple[int, str], int] = {}
        self._ids = {name: store.charges.resource_ids([name])[name] for name in RESOURCES}
        rater = Rater(book())
        self._plans = rater.no_plans
        self._draws = GrantDraws(store, rater)

    def change(self, costs: Mapping[tuple[int, str], int | None], *, anew: bool = False) -> None:
        """Change charges; None takes one away."""
        saved = {key: cost for key, cost in costs.items() if cost is not None}
        gone = [key for key in costs if key not in saved]
        self.costs |= saved
        for key in gone:
            self.costs.pop(key, None)
        self.store.charges.save(self._row(*charge) for charge in saved.items())
        self.store.charges.delete(self._row(key, 0) for key in gone)
        hours = [hour for hour, _ in self.costs]
        self.account.first_active_hour = min(hours, default=None)
        self.account.last_active_hour = max(hours, default=None)
        changed = [hour for hour, _ in costs]
        end = EVER_HOUR if anew else max(changed) + 1
        self._draws.anew(self.account, self._plans, Hours(min(changed), end))

    def _row(self, key: tuple[int, str], cost: int) -> ChargeRow:
        hour, resource = key
        ids = self.account.id, self._ids[resource]
        return ChargeRow(hour, *ids, "llm", 1, 1, ChargeState.RATED, cost, cost)

    def check(self) -> None:
        """Compare what is stored with what all charges draw from the first hour on."""
        names = {number: name for name, number in self._ids.items()}
        stored = {
            (row.hour, names[row.resource_id], row.granted, row.nano)
            for row in self.store.drawn.among(self.account.id, Hours(0, EVER_HOUR))
        }
        left = {grant.name: grant.amount_nano for grant in self.account.grants}
        charges = [Billed(*key, "llm", self.costs[key]) for key in sorted(self.costs)]
        drawn = list(draw(charges, self.account.grants, left))
        assert stored == {(d.charge.hour, d.charge.resource, d.grant, d.nano) for d in drawn}
        totals = {g.name: g.amount_nano - left[g.name] for g in self.account.grants}
        assert self.store.drawn.totals(self.account.id) == {n: t for n, t in totals.items() if t}
        assert self.account.drawn_nano == sum(totals.values())


@contextmanager
def one_account(path: Path, given: list[Granted]) -> Iterator[OneAccount]:
    with open_for_writing(path) as store, store.transaction():
        yield OneAccount(store, given)


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Granted], Costs, list[Change]]:
    """Grants, charges, and changes of these and of others."""
    costs = draw(st.dictionaries(KEYS, COSTS, min_size=1, max_size=60))
    keys = st.sampled_from(sorted(costs)) | KEYS
    change = st.dictionaries(keys, st.none() | COSTS, min_size=1, max_size=3)
    return draw(grants()), costs, draw(st.lists(change, min_size=1, max_size=4))


@given(stories())
def test_a_change_ends_where_all_charges_drawing_anew_would(
    told: tuple[list[Granted], Costs, list[Change]],
) -> None:
    """Charges that come, go, or cost otherwise, in any hours and one after the other."""
    own, costs, changes = told
    with (
        TemporaryDirectory(dir=MEMORY) as folder,
        one_account(Path(folder) / "ledger.db", own) as one,
    ):
        one.change(costs, anew=True)
        one.check()
        for change in changes:
            one.change(change)
            one.check()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The hours of the charges that were read."""
    hours: list[int] = []
    of_account = ChargeRows.of_account

    def noted(self: ChargeRows, account: AccountRow, *span: int) -> Iterator[RatedCharge]:
        for found in of_account(self, account, *span):
            hours.append(found.row.hour)
            yield found

    monkeypatch.setattr(ChargeRows, "of_account", noted)
    return hours


def test_a_change_reads_no_hours_in_which_all_is_paid_as_it_was(
    tmp_path: Path, read: list[int]
) -> None:
    """It reads those of the change, and those in which the grant may be used up."""
    with one_account(tmp_path / "ledger.db", [granted(1, 1000)]) as one:
        one.change({(hour, "a"): 1 for hour in range(LAST_HOUR)}, anew=True)
        read.clear()
        one.change({(0, "a"): 3})
        one.check()
    assert {hour // PERIOD_HOURS for hour in read} == {0, 998 // PERIOD_HOURS}


def test_a_change_before_every_grant_reads_nothing_after_it(
    tmp_path: Path, read: list[int]
) -> None:
    """Nothing has more or less left by it."""
    with one_account(tmp_path / "ledger.db", [granted(1, 1000, (PERIOD_HOURS, None))]) as one:
        one.change({(hour, "a"): 1 for hour in range(PERIOD_HOURS, LAST_HOUR)}, anew=True)
        read.clear()
        one.change({(0, "a"): 3})
        one.check()
    assert read == []
