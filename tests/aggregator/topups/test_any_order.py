"""What is known of an account is a function of the set of lines, whatever order they came in."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.ledger.topups_world import CHARGER, DESK, TILL, TopupsWorld
from tests.support.memory import MEMORY
from wire_format.lines import Folder

USERS = ("alice", "bob")
Step = Callable[[TopupsWorld, str, int], object]
"""A step of a story about a user; the number varies it."""


def _adjust(world: TopupsWorld, user: str, _number: int) -> None:
    stated: dict[str, Any] = {"kind": "adjustment", "provider": "manual", "currency": "USD"}
    stated |= {"status": "succeeded", "reason": "a mistake", "user": user, "amount": "-2.00"}
    world.write(DESK, external_ref=f"goodwill:{world._seqs[DESK]}", **stated)


def _say(kind: str) -> Step:
    return lambda w, u, _: w.write(DESK, Folder.ACCOUNTS, user=u, kind=kind, reason="asked for")


def _attempt(user: str, number: int) -> str:
    return f"auto:{user}:{number % 3:016d}"


STEPS: dict[str, Step] = {
    "pay": lambda w, u, n: w.pay(f"pi_{u}_{n}", f"{n % 7 + 1}.00", u),
    "consent": lambda w, u, n: w.consent(f"pi_{u}", u, amount_usd=f"{n + 5}.00"),
    "set": lambda w, u, _: w.set_topup(u),
    "switch off": lambda w, u, _: w.set_topup(u, auto_topup_usd="0.00"),
    "begin": lambda w, u, n: w.begin(_attempt(u, n), u),
    "end": lambda w, u, n: w.end("card_declined", _attempt(u, n), u),
    "paid": lambda w, u, n: w.pay(f"pi_auto_{u}_{n % 3}", "20.00", u, attempt=_attempt(u, n)),
    "undecided": lambda w, u, n: w.pay(f"pi_odd_{u}_{n}", "3.00", u, status="undecided"),
    "refund": lambda w, u, n: w.give_back("refund", f"re_{n}", f"pi_{u}", "0.50", u),
    "dispute": lambda w, u, n: w.give_back("dispute", f"txn_{n}", f"pi_{u}", "0.50", u),
    "suspend": _say("suspend"),
    "reopen": _say("reopen"),
    "use": lambda w, u, n: w.use(n * 300, "llm/tokens", u),
    "plan": lambda w, u, _: w.plan("starter", fee="20.00", user=u),
    "adjust": _adjust,
}
STORIES = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(USERS), st.integers(0, 30)),
    min_size=4,
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(story=STORIES, seed=st.integers(0, 2**32))
def test_the_state_of_an_account_does_not_depend_on_the_order_of_delivery(
    story: list[tuple[str, str, int]], seed: int
) -> None:
    """One aggregator reads some repo after each step, another all of them at the end."""
    chance = Random(seed)
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = TopupsWorld(Path(folder))
        for user in USERS:
            world.let_be_due(user)
        for step, user, number in story:
            STEPS[step](world, user, number)
            world.later(minutes=chance.randint(1, 600))
            if chance.random() < 0.5:
                world.pull(chance.choice([TILL, CHARGER, DESK, "books", "node-1"]))
        world.pull()
        # by then no node is new to anybody, whichever aggregator it was that read it first
        world.later(hours=49)
        told = [world.state_of(user) for user in USERS], world.due()
        world.run("rebuild").ok()
        assert ([world.state_of(user) for user in USERS], world.due()) == told
        stops = {state["user"]: state["stop"] for state in told[0]}
        assert told[1] == [user for user in USERS if stops[user] is None]
