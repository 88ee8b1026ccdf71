"""Weeks of automatic payments in which everything goes wrong, and what must hold of them.

    python -m tests.till.charging.history --crashes 500 --seed 1

Customers use up their balance, cards are declined, banks ask and decide late, hooks are lost, late
and doubled, the forge is down for days, the ledger behind, posts are replayed, and the process that
charges dies at its writes and requests, loses its memory or its machine. No two charges are made
for one need, none without need, and the provider's books are what the lines say.
"""

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from front.once import push_and_tell
from gitmeter.money.topups.attempts import AttemptLine, attempts_of, is_automatic
from gitmeter.money.topups.judging import TopupStop
from gitmeter.support.errors import GitmeterError
from providers.cards import CardCharge, ChargeOrder, ChargeStatus
from tests.support.memory import MEMORY
from tests.till.charging.crashes import CrashedError, CrashingProvider
from tests.till.charging.ledger_model import LedgerModel, committed_lines
from tests.till.charging.place import (
    BELOW_USD,
    CHARGER,
    ChargerPlace,
    new_customer,
    pay_on_page,
)
from tests.till.place import ACCOUNT, NODE, START, TillPlace
from tests.till.world import World, WorldPayment
from tests.till.world_cards import NEEDS_OWNER, PROCESSING, SUCCEEDS
from till.charging.charger import Due
from till.charging.settling import settle_all
from till.intake.intake import NotRecordedError, ask
from till.intake.till import Till
from till.records.attempts import AttemptKey
from till.sweeping.sweep import sweep
from wire_format.instants import from_us
from wire_format.money import parse_nano

USERS: Final = ("alice-01", "bobby-02", "carol-03")
PAUSES: Final = (
    *(timedelta(minutes=2), timedelta(minutes=12), timedelta(hours=1)),
    *(timedelta(hours=5), timedelta(hours=13), timedelta(hours=26)),
)
HOUR_MAX: Final = 2
_DAY: Final = timedelta(days=1)
_IN_TIME: Final = timedelta(days=4)
_OUTCOMES: Final = (SUCCEEDS, SUCCEEDS, SUCCEEDS, PROCESSING, NEEDS_OWNER, "insufficient_funds")
_MAY_BE_PAID: Final = {
    *(ChargeStatus.NEW, ChargeStatus.PROCESSING),
    *(ChargeStatus.NEEDS_CUSTOMER, ChargeStatus.DECLINED),
}


class ChargeHistory:
    """A world with customers, a till that takes payments in, one that charges, and a ledger.

    Attributes:
        wrong: what must not be.
        done: how often what happened.
    """

    def __init__(self, folder: Path, seed: int, *, tells_crossings: bool = False) -> None:
        self.chance = Random(seed)
        self.world = World(START)
        self.front = TillPlace(folder, self.world)
        self.charging = ChargerPlace(folder, self.world, topups_hour_max=HOUR_MAX)
        self.charging.chance = self.chance
        self.charging.before = self._judge
        self.folder = folder
        self.remotes = {NODE: self.front.remote, CHARGER: self.charging.remote}
        self.ledger = LedgerModel(self.remotes, tells_crossings=tells_crossings)
        self.wrong: list[str] = []
        self.done: Counter[str] = Counter()
        self.usage: dict[str, list[tuple[datetime, int]]] = {user: [(START, 0)] for user in USERS}
        self.customers = {user: new_customer(self.world, user) for user in USERS}
        self.nonces = iter(range(1, 10**6))
        self.consented = {
            user: pay_on_page(self.world, user, self.customers[user], next(self.nonces), saves=True)
            for user in USERS
        }
        self.posts: list[Due] = []
        self.events: list[str] = []
        self.moved = 0
        self.down_until = START
        self.behind_until = START
        self._till: Till | None = None

    # what is true

    def used_nano(self, user: str, at: datetime) -> int:
        """What an account had used up by a time."""
        return max(used for since, used in self.usage[user] if since <= at)

    def true_nano(self, user: str, at: datetime) -> int:
        """What an account had by a time, by the provider's books."""
        paid = (
            fact
            for payment in self.world.payments.values()
            if _user(payment, self) == user
            for fact in payment.facts
            if fact.at <= at
        )
        return sum(parse_nano(fact.amount) for fact in paid) - self.used_nano(user, at)

    def automatic(self, user: str | None = None) -> Iterator[WorldPayment]:
        """The automatic charges that the provider has."""
        for payment in self.world.payments.values():
            if is_automatic(payment.attempt) and user in {None, _user(payment, self)}:
                yield payment

    def _status(self, payment: WorldPayment) -> ChargeStatus:
        charge = self.world.open(ACCOUNT).charge(payment.name)  # type: ignore[attr-defined]
        assert isinstance(charge, CardCharge)
        return charge.status

    def _judge(self, provider: CrashingProvider, name: str, args: tuple[Any, ...]) -> None:
        """What must hold at each request."""
        if name == "create_charge":
            order: ChargeOrder = args[0]
            if self.world.once(("charge", order.attempt), order) is None:
                user = self.world.customers[order.card.customer].user
                self.done["created"] += 1
                for other in self.automatic(user):
                    if provider._told(other.name).status in _MAY_BE_PAID:
                        self.wrong.append(f"{order.attempt}: {other.attempt} may still be paid")
                if not any(line.record.attempt == order.attempt for line in self._pushed_lines()):
                    self.wrong.append(f"{order.attempt}: its line is not on the remote")
        if name == "confirm" and provider._told(args[0]).status is ChargeStatus.NEW:
            self._judge_confirm(provider, self.world.payments[args[0]])

    def _judge_confirm(self, provider: CrashingProvider, payment: WorldPayment) -> None:
        assert self._till is not None
        self.done["confirmed"] += 1
        user, now, attempt = _user(payment, self), self.world.now, payment.attempt or ""
        row = self._till.attempts.row(AttemptKey(ACCOUNT, attempt))
        posted_at = now if row is None else from_us(row.posted_us)
        if self.true_nano(user, posted_at) >= parse_nano(BELOW_USD):
            self.wrong.append(f"{attempt}: no need at {posted_at}")
        if now - posted_at > timedelta(minutes=11):
            self.wrong.append(f"{attempt}: the need is of {posted_at}, now is {now}")
        for other in self.automatic(user):
            status = provider._told(other.name).status
            is_other = other is not payment and status is not ChargeStatus.CANCELED
            if is_other and now - other.created_at < _DAY:
                self.wrong.append(f"{attempt}: {other.attempt} was within a day")
        hour = [
            each
            for each in self.automatic()
            if now - each.created_at < timedelta(hours=1) and each.name in self.world.confirmed
        ]
        if len(hour) >= HOUR_MAX:
            self.wrong.append(f"{attempt}: is beyond the fuse")

    def _pushed_lines(self) -> list[AttemptLine]:
        return committed_lines(self.charging.remote, None)[1]

    # what happens

    def step(self) -> None:
        """Let some time pass, and everything happen that happens in it."""
        self._pass(self.chance.choice(PAUSES))
        for user in USERS:
            used = self.used_nano(user, self.world.now) + self.chance.randint(0, 9) * 10**9
            self.usage[user].append((self.world.now, used))
            self.world.outcomes[user] = self.chance.choice(_OUTCOMES)
        if self.chance.random() < 0.1:
            user = self.chance.choice(USERS)
            pay_on_page(self.world, user, self.customers[user], next(self.nonces))
        self._banks()
        self._record(loses=0.3)
        self._forge()
        if self.world.now >= self.behind_until:
            if self.chance.random() < 0.1:
                self.behind_until = self.world.now + self.chance.choice(PAUSES) * 3
            else:
                self._read()
        self.world.is_down = self.chance.random() < 0.05
        self.charging.loses = self.chance.choice([0.0, 0.0, 0.1])
        if self.chance.random() < 0.9:
            self._charge()
        self.world.is_down = False

    def _pass(self, time: timedelta) -> None:
        self.world.now += time

    def _banks(self) -> None:
        """Banks and customers decide, within four days: what comes later is for a person."""
        for payment in list(self.automatic()):
            status = self._status(payment)
            is_late = self.world.now - payment.created_at > _IN_TIME
            is_decided = self.chance.random() < 0.4 or is_late
            if status is ChargeStatus.PROCESSING and is_decided:
                good = self.chance.random() < 0.6 and not is_late
                self.events.append(self.world.end_processing(payment.name, succeeds=good))
            elif payment.url is not None and self.chance.random() < 0.3 and not is_late:
                good = self.chance.random() < 0.6
                self.events.append(self.world.authenticate(payment.name, succeeds=good))

    def _record(self, loses: float) -> None:
        """Events reach the till that takes payments in, late, twice, or never; sweeps find all."""
        for _, name in self.world.moved[self.moved :]:
            if self.chance.random() >= loses:
                self.events += [name] * self.chance.choice([1, 1, 2])
        self.moved = len(self.world.moved)
        self.chance.shuffle(self.events)
        with self.front.open() as till:
            account = till.accounts.named(ACCOUNT)
            while self.events and self.chance.random() < 0.8:
                try:
                    ask(till, account, self.events.pop())
                except NotRecordedError:
                    self.done["not recorded"] += 1
            if self.chance.random() < 0.2:
                sweep(till, account, None, lambda *_: None)
            self._push(till)

    def _push(self, till: Till) -> None:
        try:
            push_and_tell(till.home, None, self.world.now)
        except GitmeterError:
            self.done["not pushed"] += 1

    def _forge(self) -> None:
        """The forge goes down for days, and comes back."""
        if self.world.now < self.down_until:
            return
        self._set_forge(is_up=True)
        if self.chance.random() < 0.04:
            self.down_until = self.world.now + timedelta(hours=self.chance.choice([1, 20, 60]))
            self._set_forge(is_up=False)

    def _set_forge(self, *, is_up: bool) -> None:
        for remote in self.remotes.values():
            away = remote.with_suffix(".away")
            if is_up and away.exists():
                away.rename(remote)
            elif not is_up and remote.exists():
                remote.rename(away)

    def _read(self) -> None:
        if all(remote.exists() for remote in self.remotes.values()):
            self.ledger.read()
            ended = {x.record.attempt for x in self.ledger.lines if x.record.kind == "ended"}
            self.wrong += [
                f"{payment.attempt}: has ended, and may still be paid"
                for payment in self.automatic()
                if payment.attempt in ended and self._status(payment) in _MAY_BE_PAID
            ]

    def _charge(self, *, is_calm: bool = False) -> None:
        """What is due is posted, and the till that charges runs until it dies."""
        self._post()
        if not is_calm and self.chance.random() < 0.03:
            self.charging.lose_memory()
            self.done["memory lost"] += 1
        if not is_calm and self.chance.random() < 0.04 and self.charging.remote.exists():
            self.charging.join_elsewhere()
            self.done["machine lost"] += 1
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            armed = None if is_calm or self.chance.random() < 0.2 else self.chance.randint(0, 70)
            self.charging.crashes.arm(armed)
            try:
                self._run()
                break
            except CrashedError:
                self.done["crashed"] += 1
                if self.chance.random() < 0.3:
                    self._pass(self.chance.choice(PAUSES))
        self.charging.crashes.arm(None)

    def _post(self) -> None:
        now = self.world.now
        for user in USERS:
            used = self.used_nano(user, now)
            account = self.ledger.due(user, used, self.consented[user], now)
            if account is not None:
                self.posts.append(Due(account, now, dict(self.ledger.seen)))

    def _run(self) -> None:
        with self.charging.crashes.at_writes(), self.charging.open() as till:
            self._till = till
            charger, pusher = self.charging.charger(till)
            pusher.wake()
            charger.resume(is_start=True)
            settle_all(till, pusher)
            till.charging.start_again("tests", "looked at", self.world.now)
            recent = [due for due in self.posts if self.world.now - due.posted_at < _DAY]
            replayed = self.chance.sample(self.posts, min(len(self.posts), 2))
            for due in (*recent[-4:], *replayed):
                try:
                    came_of_it = str(charger.take(due))
                except GitmeterError as error:
                    came_of_it = type(error).__name__
                self.done[f"take: {came_of_it}"] += 1
            charger.resume()

    # the end

    def end(self) -> list[str]:
        """Let everything run undisturbed, and return what is wrong then."""
        self.charging.loses = 0.0
        self.down_until = self.behind_until = self.world.now
        self._set_forge(is_up=True)
        for user in USERS:
            self.world.outcomes[user] = SUCCEEDS
        for hours in (*(1, 1, 6), *[6] * 22):
            self._pass(timedelta(hours=hours))
            self._banks()
            self._sweep()
            self._charge(is_calm=True)
        self._sweep()  # what was charged just now is a line, too
        self._check_needs()
        self._pass(timedelta(days=365))
        before = len(self.world.payments)
        self._run()
        if len(self.world.payments) != before:
            self.wrong.append("a post that was replayed a year later charged somebody")
        self._check_lines()
        return self.wrong

    def _sweep(self) -> None:
        with self.front.open() as till:
            sweep(till, till.accounts.named(ACCOUNT), None, lambda *_: None)
            self._push(till)
        self._read()

    def _check_needs(self) -> None:
        """Nobody stays below the threshold while nothing stands in the way."""
        now = self.world.now
        for user in USERS:
            stop = self.ledger.stop_of(user, self.used_nano(user, now), now)
            if stop not in {TopupStop.ENOUGH, TopupStop.MONTH, TopupStop.RECENT, TopupStop.FAILED}:
                self.wrong.append(f"{user}: is left in need: {stop}")

    def _check_lines(self) -> None:
        """The provider's books are what the lines say, and every attempt has ended."""
        own = [line.record for line in self._pushed_lines()]
        others = [line.record for line in committed_lines(self.front.remote, None)[1]]
        kinds = Counter((line.kind, line.attempt) for line in own)
        self.wrong += [f"{what}: {n} lines" for what, n in kinds.items() if n > 1]
        self.wrong += [f"a line of the kind {k}" for k, _ in kinds if k not in {"pending", "ended"}]
        lines = [*self._pushed_lines(), *committed_lines(self.front.remote, None)[1]]
        attempts = attempts_of(lines)
        self.wrong += [f"{each.name}: is open" for each in attempts if each.is_open]
        stated: dict[str, list[str]] = defaultdict(list)
        for line in others:
            if line.kind == "payment" and is_automatic(line.attempt):
                stated[line.attempt or ""].append(line.external_ref or "")
        booked: dict[str, list[str]] = defaultdict(list)
        for payment in self.automatic():
            status = self._status(payment)
            if status is ChargeStatus.PAID:
                booked[payment.attempt or ""].append(payment.name)
            elif status is not ChargeStatus.CANCELED:
                self.wrong.append(f"{payment.attempt}: {payment.name} is {status} at the end")
        if booked != stated:
            self.wrong.append(f"the books say {dict(booked)}, the lines say {dict(stated)}")
        names = {each.name: each for each in attempts}
        self.wrong += [f"{name}: has no line" for name in booked if name not in names]
        self.wrong += [
            f"{name}: ended as {names[name].reason}" for name in booked if not names[name].is_paid
        ]
        self.done["attempts"] += len(attempts)
        self.done["paid"] += len(booked)


def _user(payment: WorldPayment, history: ChargeHistory) -> str:
    if payment.charged is not None:
        return history.world.customers[payment.charged.card.customer].user
    return "" if payment.order is None else payment.order.user


def run_history(
    seed: int, steps: int, *, tells_crossings: bool = False
) -> tuple[list[str], Counter[str]]:
    """One history; what is wrong with it, and how often what happened."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        history = ChargeHistory(Path(folder), seed, tells_crossings=tells_crossings)
        for _ in range(steps):
            history.step()
            if history.wrong:
                return history.wrong, history.done
        return history.end(), history.done


def main(arguments: Sequence[str] | None = None) -> int:
    """Crash; returns 0 if nothing was charged twice, without need, or lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crashes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args(arguments)
    done: Counter[str] = Counter()
    seed = asked.seed
    while done["crashed"] < asked.crashes:
        wrong, happened = run_history(seed, asked.steps)
        done += happened
        sys.stdout.write(f"{seed}: {happened['crashed']} crashes, {happened['paid']} paid\n")
        if wrong:
            sys.stdout.write("".join(f"  {fault}\n" for fault in wrong))
            return 1
        seed += 1
    sys.stdout.write("".join(f"{times:6} {what}\n" for what, times in sorted(done.items())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
