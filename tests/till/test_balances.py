"""From the provider to the balance: what a ledger says is what the provider's own books say."""

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.books.program import Books
from tests.support.files import write_toml
from tests.support.programs import Said, run_aggregator
from tests.support.providers.fake_stripe import ACCOUNT, DELAYED, FakeStripe
from tests.support.writers import account_text, till_text
from tests.till.programs import StripePlace

WRITERS = account_text("stripe", ACCOUNT) + till_text(
    "stripe", payment_max_usd="500.00", unconfirmed_max_usd="10000.00"
)


class LedgerOfTill:
    """An aggregator that reads a till and the books."""

    def __init__(self, folder: Path, place: StripePlace) -> None:
        folder.mkdir()
        self.books = Books(folder)
        self.books.init().ok()
        self.books.set_rules("writers.toml", WRITERS, "--by", "ada")
        self.books("push").ok()
        signers = self.books.signers()
        signers.write_text(signers.read_text() + (place.home / "allowed_signers").read_text())
        repos = [
            {"node": "books", "url": self.books.remote.as_uri(), "role": "books"},
            {"node": "till-1", "url": place.remote.as_uri(), "role": "till"},
        ]
        values = {"state": folder / "state", "allowed_signers_file": signers, "repo": repos}
        self.config = write_toml(folder / "aggregator.toml", values)

    def __call__(self, *arguments: str) -> Said:
        """Run `aggregator`."""
        return run_aggregator("--config", str(self.config), *arguments)

    def balances(self) -> dict[str, Any]:
        """Pull, and say what every account has."""
        self("pull")  # not well, because it tells of money that was taken back
        found = self("balance", "--json").ok().json
        return {each["user"]: each["balance_nano"] for each in found}


def test_balances_are_what_the_provider_holds_for_customers(
    tmp_path: Path, stripe: FakeStripe
) -> None:
    place = StripePlace(tmp_path, stripe)
    users: dict[str, str] = {}
    with place.serving():
        for user in ("whole", "partly", "failed", "won", "lost", "twice"):
            users[place.buy(user)] = user
        users[stripe.pay(place.page("later"), method=DELAYED)] = "later"
        of = {user: payment for payment, user in users.items()}
        stripe.refund(of["partly"], 500)
        stripe.change_refund(stripe.refund(of["failed"], 2000), "failed")
        stripe.close_dispute(stripe.dispute(of["won"]), "won")
        stripe.close_dispute(stripe.dispute(of["lost"]), "lost")
        stripe.refund(of["twice"], 1500)
        stripe.dispute(of["twice"])
        stripe.settle(of["later"])
        stripe.hooks.lose(0.3)
        place.deliver("shuffled")
    place.run("sweep").ok()
    due: dict[str, Fraction] = defaultdict(Fraction)
    for payment, worth in stripe.money().items():
        due[users[payment]] += worth.left * 20 * 10**9
    assert LedgerOfTill(tmp_path / "ledger", place).balances() == dict(due)
    assert due["partly"] == 15 * 10**9
    assert due["later"] == due["won"] == 20 * 10**9
