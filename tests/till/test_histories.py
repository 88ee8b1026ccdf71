"""Whatever happens to payments, and whatever is told of it: the same lines are written."""

import random
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.consents import ConsentTerms
from providers.interface import Order
from tests.support.memory import MEMORY
from tests.till.place import START, TillPlace, content
from till.intake.intake import NotRecordedError, ask
from till.sweeping.sweep import sweep
from wire_format.lines import Account, Money

Step = tuple[str, int, str, bool]
AMOUNTS: Final = st.sampled_from(["1.00", "7.50", "20.00", "25.00"])
PAID: Final[list[Step]] = [
    ("begin", 0, "1.00", True),
    ("succeed", 0, "20.00", True),
    ("begin", 1, "20.00", True),
    ("succeed", 1, "20.00", True),
]
"""Before anything else, so that there is something to give back."""

STEPS: Final = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("begin", "succeed", "fail", "refund", "refund", "settle"),
                *("reverse", "reverse", "dispute", "reinstate"),
            ]
        ),
        st.integers(0, 3),
        AMOUNTS,
        st.booleans(),
    ),
    min_size=3,
    max_size=25,
).map(lambda steps: PAID + steps)


SAVING: Final = Order(
    user="",
    usd="20.00",
    amount="20.00",
    currency="USD",
    attempt="",
    at=START,
    tag="",
    success_url="",
    cancel_url="",
    expires_s=3600,
    customer="cus_1",
    consent=ConsentTerms("20.00", "5.00", "100.00"),
)
CARDS: Final = {"consent_max_usd": "20.00", "consent_month_max_usd": "100.00"}


class History:
    """Happens to a world, one step at a time; the same steps give the same world."""

    def __init__(self, place: TillPlace) -> None:
        self.place = place
        self.world = place.world
        self.events: list[str] = []

    def step(self, what: str, which: int, amount: str, is_final: bool) -> str | None:  # noqa: FBT001
        """Let something happen, if it can; the object that an event names."""
        self.world.now += timedelta(hours=7)
        if what == "begin":
            user = f"user-{which}"
            nonce = f"{len(self.world.payments):016x}"
            tag = self.place.tag(user, "20.00", nonce=nonce) if amount != "7.50" else None
            name = self.world.begin(tag, f"topup:{user}:{nonce}")
            if amount == "1.00":  # on a page that saves the card
                self.world.payments[name].order = SAVING
            return self._told(name)
        names = [*self.world.payments]
        if not names:
            return None
        name = names[which % len(names)]
        payment = self.world.payments[name]
        if payment.is_open:
            if what == "succeed":
                paid = amount if amount == "25.00" else "20.00"
                return self._told(self.world.succeed(name, paid))
            return self._told(self.world.fail(name, "card_declined")) if what == "fail" else None
        if not payment.facts:
            return None
        return self._told(self._later(what, name, amount, is_final=is_final))

    def _later(self, what: str, name: str, amount: str, *, is_final: bool) -> str | None:
        facts = self.world.payments[name].facts
        reversed_already = {fact.external_ref for fact in facts if fact.kind == "refund_reversal"}
        refunds = [
            f.external_ref
            for f in facts
            if f.kind == "refund" and f.external_ref not in reversed_already
        ]
        disputes = [f.external_ref for f in facts if f.kind == "dispute"]
        won = sum(f.kind == "dispute_reversal" for f in facts)
        if what == "refund":
            return self.world.refund(name, amount, is_final=is_final)
        if what == "settle" and refunds:
            return self.world.settle(name, refunds[0])
        if what == "reverse" and refunds:
            return self.world.reverse(name, refunds[-1])
        if what == "dispute" and not disputes:
            return self.world.dispute(name, "20.00")
        if what == "reinstate" and disputes and not won:
            return self.world.reinstate(name, disputes[0])
        return None

    def _told(self, name: str | None) -> str | None:
        if name is not None:
            self.events.append(name)
        return name


def by_sweep_alone(folder: Path, steps: list[Step]) -> list[Money | Account]:
    place = TillPlace(folder, cards=CARDS)
    history = History(place)
    for step in steps:
        history.step(*step)
    with place.open() as till:
        account = till.accounts.named("world-test")
        done = sweep(till, account, None, lambda *_: None)
        assert not done.why
        assert not done.failed
    return [*place.lines(), *place.consents()]


def by_events(
    folder: Path, steps: list[Step], seed: int, *, loses: bool = False
) -> list[Money | Account]:
    """Told late, twice, in another order, or not at all; the sweep finds the rest."""
    place, chance = TillPlace(folder, cards=CARDS), random.Random(seed)
    history = History(place)
    with place.open() as till:
        account = till.accounts.named("world-test")
        for step in steps:
            history.step(*step)
            for name in chance.sample(history.events, min(len(history.events), 3)):
                place.world.is_down = chance.random() < 0.2
                try:
                    ask(till, account, name)
                except NotRecordedError:
                    assert place.world.is_down
                place.world.is_down = False
            if loses and chance.random() < 0.2:
                sweep(till, account, None, lambda *_: None)
        if loses:
            sweep(till, account, None, lambda *_: None)
        else:
            chance.shuffle(history.events)
            for name in history.events:
                ask(till, account, name)
        assert not till.marks.failing()
    return [*place.lines(), *place.consents()]


@settings(max_examples=25)
@given(steps=STEPS, seed=st.integers(0, 2**32))
def test_events_in_any_order_and_a_sweep_alone_write_the_same_lines(
    steps: list[Step], seed: int
) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        path = Path(folder)
        for name in ("sweep", "events", "both"):
            (path / name).mkdir()
        swept = by_sweep_alone(path / "sweep", steps)
        told = by_events(path / "events", steps, seed)
        both = by_events(path / "both", steps, seed, loses=True)
        assert content(swept) == content(told)
        assert content(swept) == content(both)
        keys = [
            (line.kind, line.external_ref if isinstance(line, Money) else line.of_ref)
            for line in told
        ]
        assert len(keys) == len(set(keys))
        assert any(kind == "consent" for kind, _ in keys)
