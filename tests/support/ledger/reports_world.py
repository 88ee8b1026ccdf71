"""A ledger that a bookkeeper asks about: a customer with a plan and grants, and one who owes."""

from pathlib import Path

from tests.support.ledger.terms_world import TermsWorld


def reports_world(folder: Path) -> TermsWorld:
    """Alice has paid, grants and a plan; bob owes; they used things on two days of November."""
    world = TermsWorld(folder)
    world.pay_in("100.00")
    world.pay_in("0.50", user="bob")
    world.later(minutes=1)
    world.grant("welcome", "5.00", days=5, reason="welcome")
    world.grant("bought", "0.20", category="paid", priority=10)
    world.later(hours=1)
    world.plan("pro", fee="30.00")
    world.use(25)
    world.use(3000, "llm/tokens")
    world.later(hours=23)
    world.use(4)
    world.use(13, user="bob")
    world.use(2, "vm/unknown", user="bob")
    world.later(days=1)
    world.pull()
    return world
