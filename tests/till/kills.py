"""The programs of a till, killed at random moments; nothing may be credited twice or lost.

    python -m tests.till.kills --kills 200 --seed 1

Customers pay and save cards, refunds fall through, disputes are won and lost, events come twice,
late or never. At the end all programs run once undisturbed, the lines are worth what the provider's
books say, and each saved card has one consent.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

import requests

from gitmeter.money.pool import payments_of
from gitmeter.money.rivals import Contender, judge
from tests.support.providers.clock import Clock
from tests.support.providers.fake_stripe import DELAYED, FakeStripe
from tests.support.providers.hooks import Hook
from tests.support.providers.stripe_objects import StripeRefusal
from tests.till.programs import TERMS, CardPlace, kill
from wire_format.money import NANO

_KINDS = ("serve", "serve", "serve", "sweep", "refund")


class Torture:
    """Kills programs and counts what they did.

    Args:
        place: the till.
        stripe: the provider.
        chance: decides everything.
    """

    def __init__(self, place: CardPlace, stripe: FakeStripe, chance: Random) -> None:
        self._place = place
        self._stripe = stripe
        self._chance = chance
        self._bought: list[str] = []
        self._saved: list[str] = []
        self._disputes: list[str] = []
        self._given: list[tuple[str, str]] = []
        self.killed: Counter[str] = Counter()

    def once(self) -> None:
        """Start one program, and kill it at some moment."""
        kind = self._chance.choice(_KINDS) if self._bought else "serve"
        if kind == "serve":
            self._serve()
            return
        words = ["sweep"]
        if kind == "refund":
            asked = (self._chance.choice(self._bought), f"0.{self._chance.randint(10, 99)}")
            self._given.append(asked)
            words = self._refund(*asked)
        process = self._place.start(*words)
        time.sleep(self._chance.uniform(0, 2))
        self.killed[kind] += process.poll() is None
        if process.poll() is None:
            kill(process)

    def _refund(self, payment: str, amount: str) -> list[str]:
        return ["refund", payment, amount, "--reason", "killed on the way"]

    def _serve(self) -> None:
        process = self._place.start("serve")
        self._place.wait_ready(process)
        try:
            for number in range(self._chance.randint(1, 2)):
                method = self._chance.choice(("card", "card", DELAYED))
                is_saved = method == "card" and self._chance.random() < 1 / 2
                user = f"user-{len(self._bought)}-{number}"
                page = self._place.page(user, save_card=TERMS if is_saved else None)
                payment = self._stripe.pay(page, method=method)
                if is_saved:
                    self._saved.append(payment)
                if method == DELAYED:
                    self._stripe.settle(payment, succeeds=self._chance.random() < 2 / 3)
                self._bought.append(payment)
            self._happen()
            killer = threading.Timer(self._chance.uniform(0, 1), kill, (process,))
            killer.start()
            for hook in self._due():
                self._post(hook)
            killer.join()
            self.killed["serve"] += 1
        finally:
            if process.poll() is None:
                kill(process)

    def _happen(self) -> None:
        """Something happens to payments of earlier rounds."""
        payment = self._chance.choice(self._bought)
        try:
            what = self._chance.randint(0, 4)
            if what == 0:
                refund = self._stripe.refund(payment, self._chance.randint(1, 500))
                if self._chance.random() < 1 / 3:
                    self._stripe.change_refund(refund, "failed")
            elif what == 1:
                self._disputes.append(self._stripe.dispute(payment))
            elif what == 2 and self._disputes:
                self._stripe.close_dispute(
                    self._disputes.pop(), self._chance.choice(("won", "lost"))
                )
        except StripeRefusal:
            return

    def _due(self) -> list[Hook]:
        """The events that arrive now: some twice, some never, in any order."""
        waiting = self._stripe.hooks.waiting[:]
        self._stripe.hooks.waiting.clear()
        arrived = [hook for hook in waiting if self._chance.random() < 4 / 5]
        arrived += self._chance.sample(arrived, len(arrived) // 3)
        self._chance.shuffle(arrived)
        return arrived

    def _post(self, hook: Hook) -> None:
        try:
            status = self._place.post(hook)
        except requests.RequestException:
            status = 0
        waiting = self._stripe.hooks.waiting
        if status not in {200, 202} and hook not in waiting:  # one that came twice waits once
            waiting.append(hook)

    def end(self) -> list[str]:
        """Let everything run undisturbed, and return what is wrong then."""
        for asked in dict.fromkeys(self._given):
            self._place.run(*self._refund(*asked))
        self._place.run("sweep").ok()
        with self._place.serving():
            self._place.wait_pushed()
        lines = self._place.lines()
        wrong = [
            f"{name}: {times} lines"
            for name, times in Counter((r.kind, r.external_ref) for r in lines).items()
            if times > 1
        ]
        judged = judge(Contender(record, is_books=False) for record in lines)
        left = {r.external_ref: each.left_nano() for r, each in payments_of(judged).items()}
        for payment, worth in self._stripe.money().items():
            expected = round(Fraction(worth.left) * 20 * NANO) if worth.paid else 0
            if left.pop(payment, 0) != expected:
                wrong.append(f"{payment}: not worth {expected} nano-dollars")
        wrong += [f"{payment}: unknown to the provider" for payment in left]
        consents = Counter(str(consent.of_ref) for consent in self._place.consents())
        if consents != Counter(self._saved):
            wrong.append(f"consents at {dict(consents)}, cards saved at {self._saved}")
        asked_for = Counter(dict.fromkeys(self._given, 1))
        made = Counter(
            (str(r["payment_intent"]), f"{int(str(r['amount'])) / 100:.2f}")
            for r in self._stripe.objects.of("refund")
            if r["metadata"]
        )
        wrong += [
            f"{asked}: refunded {n} times" for asked, n in made.items() if n > asked_for[asked]
        ]
        return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill; returns 0 if nothing was credited twice or lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, FakeStripe(Clock(None)) as stripe:
        torture = Torture(CardPlace(Path(folder), stripe), stripe, Random(asked.seed))
        while torture.killed.total() < asked.kills:
            torture.once()
        wrong = torture.end()
        lines = len(torture._place.lines())
    told = ", ".join(f"{times} x {kind}" for kind, times in sorted(torture.killed.items()))
    sys.stdout.write(f"{told}; {lines} lines, {len(wrong)} faults\n")
    sys.stdout.write("".join(f"  {fault}\n" for fault in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
