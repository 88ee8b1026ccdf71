"""Whatever happens at a provider, users have what the provider's own books say."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.stripe.account import StripeAccount
from tests.money_in.history import HISTORIES, History, Step
from tests.money_in.site import Pool, Site
from tests.money_in.thief import NODES, STEALS, STOLEN, Thief, reconcile
from tests.support.ledger.told_case import outcome, tell
from tests.support.ledger.world import World
from tests.support.memory import MEMORY
from tests.support.money_cases import answer
from tests.support.providers.fake_stripe import FakeStripe

MANY: Final = settings().max_examples
"""As many examples as properties have here, or more where one searches longer."""

Provided = tuple[FakeStripe, StripeAccount]


@settings(max_examples=MANY // 2)
@given(steps=HISTORIES)
def test_users_have_what_the_books_of_the_provider_say(
    stripe_site: Provided, steps: list[Step]
) -> None:
    """Credit x (paid - taken) / paid of every payment, however its lines came to be."""
    history = History(Site(*stripe_site))
    for step in steps:
        history.do(step)
    history.end()
    assert history.site.wrong() == []


_THEFTS = st.lists(st.one_of(HISTORIES.map(lambda steps: steps[:4]), st.lists(STEALS, max_size=4)))


def rob(provided: Provided, steps: list[Step]) -> Site:
    """A history in which the key of till-3 is stolen, up to the decisions of the operator."""
    history = History(Site(*provided, NODES))
    thief = Thief(history)
    for step in steps:
        (thief if step[0] == "steal" else history).do(step)
    history.end()
    history.site.tills["till-1"].sweep()
    site = history.site
    reconcile(site, ("till-1", "till-2"))
    site.story.decide("only", site.stripe.clock(), of=STOLEN, tip=thief.honest_tip)
    counts = answer(site.case())["counts"]
    assert {name for name in counts if name.startswith(STOLEN)} <= {
        f"{STOLEN}:{seq}" for seq in thief.honest
    }
    return site


@settings(max_examples=MANY // 3)
@given(parts=_THEFTS)
def test_nothing_is_left_of_a_thief_after_one_decision(
    stripe_site: Provided, parts: list[list[Step]]
) -> None:
    """What tills wrote before and what others wrote after counts.

    Whatever a stolen till wrote and changed: other people's payments with other amounts, cents
    dated back, numbers used twice, other tags.
    """
    site = rob(stripe_site, [step for part in parts for step in part])
    assert site.wrong() == []


def told(site: Site, seed: int) -> Pool:
    """What users have by a real ledger, which is what a rebuilt one has."""
    with TemporaryDirectory(dir=MEMORY) as folder:
        world = World(Path(folder))
        tell(world, site.case(Random(seed)), Random(seed))
        assert world.digest() == world.rebuilt_digest()
        return {user: nano for user, nano in outcome(world)["pool"].items() if nano}


@settings(max_examples=MANY // 20)
@given(steps=HISTORIES, theft=_THEFTS, seed=st.integers(0, 999))
def test_a_ledger_agrees_whatever_it_pulled_when(
    stripe_site: Provided, steps: list[Step], theft: list[list[Step]], seed: int
) -> None:
    """Of an honest history and of one with a thief."""
    history = History(Site(*stripe_site))
    for step in steps:
        history.do(step)
    history.end()
    assert told(history.site, seed) == history.site.owed()
    site = rob(stripe_site, [step for part in theft for step in part])
    assert told(site, seed) == site.owed()
