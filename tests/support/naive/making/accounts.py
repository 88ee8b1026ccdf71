"""Random lines about accounts: plan lines good and bad, settings, keys and suspensions."""

import random
from typing import Any

from tests.support.naive.basics import HOUR, hour_of, instant, nano, written
from tests.support.naive.making.book import PAID, Tables
from tests.support.naive.making.spools import BORDER, NaiveSpools

Fields = dict[str, Any]
DESKS = ("desk-1", "desk-2")


class NaiveAccountLines:
    """Tells random lines about accounts into spools."""

    def __init__(self, rng: random.Random, spools: NaiveSpools, plans: Tables) -> None:
        self.rng = rng
        self.spools = spools
        self.plans = plans

    def tell_plans(self, user: str) -> None:
        """A life of plan lines of one account: periods, upgrades, renewals, and attempts."""
        if not self.plans:
            return
        ts = BORDER - self.rng.randint(10, 60) * HOUR + self.rng.choice([0, 300, 1800])
        running: Fields | None = None
        for _ in range(self.rng.choice([1, 2, 3, 4, 5])):
            if running is not None and _runs(running, ts) and self.rng.random() < 0.7:
                told = self._upgrade(user, ts, running)
            else:
                told = self._plain(user, ts, running)
            good = dict(told)
            self._spoil(told)
            if told == good and self.rng.random() < 0.9:
                running = told
            self._tell(told, ts)
            ts += self.rng.choice([0, 60, HOUR, 5 * HOUR, 5 * HOUR, 12 * HOUR, 30 * HOUR])

    def tell_others(self, user: str) -> None:
        """Settings, suspensions and keys."""
        for _ in range(self.rng.choice([0, 1, 3])):
            kind = self.rng.choice(["setting", "setting", "suspend", "reopen"])
            fields: Fields = {"type": "account", "v": 2, "kind": kind, "user": user}
            if kind == "setting":
                some = {
                    "cap_usd": self.rng.choice(["5.00", "9.00"]),
                    "next_plan": self.rng.choice(["pro", "none"]),
                    "auto_topup_usd": "3.00",
                }
                names = self.rng.sample(sorted(some), self.rng.choice([1, 2]))
                fields |= {name: some[name] for name in sorted(names)}
            self.spools.tell(self._writer(), self.spools.instant(), fields)
        for _ in range(self.rng.choice([0, 0, 1, 2])):
            self._key(user)

    def _writer(self) -> str:
        return self.rng.choice(["books", *DESKS])

    def _key(self, user: str) -> None:
        sha256 = self.rng.choice("abc") * 64
        name = {"type": "account", "v": 2, "user": user, "key_id": sha256[:16]}
        key = name | {"kind": "key", "sha256": sha256, "scopes": ["llm"]}
        if self.rng.random() < 0.3:
            key["until"] = written(BORDER + self.rng.randint(-20, 40) * HOUR)
        self.spools.tell(self._writer(), self.spools.instant(), key)
        if self.rng.random() < 0.3:
            revoke = name | {"kind": "revoke"}
            self.spools.tell(self._writer(), self.spools.instant(), revoke)

    def _plain(self, user: str, ts: int, running: Fields | None) -> Fields:
        plan = self.rng.choice([self.rng.choice(self.plans)["name"], PAID[0]])
        start = hour_of(ts)
        if running is not None and "until" in running and self.rng.random() < 0.6:
            start = instant(running["until"])
            plan = self.rng.choice([plan, running["plan"]])
        version = self._version(plan, start)
        told: Fields = {"type": "account", "v": 2, "kind": "plan", "user": user, "plan": plan}
        told["from"] = written(start)
        if plan in PAID:
            told["until"] = written(start + version["cycle_hours"] * HOUR)
            told["fee_usd"] = version["fee_usd"]
        return told

    def _upgrade(self, user: str, ts: int, running: Fields) -> Fields:
        """An upgrade of the line told last, right where that one is in force."""
        paid = sorted({str(p["name"]) for p in self.plans if p["name"] in PAID}, key=PAID.index)
        above = [name for name in paid if self._dearer(name, running, ts)]
        plan = self.rng.choice(above if above and self.rng.random() < 0.85 else paid)
        start = hour_of(ts)
        old = self._version(running["plan"], instant(running["from"]))
        new = self._version(plan, start)
        fee = max(0, round(nano(new["fee_usd"]) - nano(old["fee_usd"])))
        return {
            "type": "account",
            "v": 2,
            "kind": "plan",
            "user": user,
            "plan": plan,
            "instead_of": running["plan"],
            "from": written(start),
            "until": running["until"],
            "fee_usd": f"{fee // 10**9}.{fee % 10**9 // 10**7:02d}",
        }

    def _spoil(self, told: Fields) -> None:
        """Now and then one thing is wrong."""
        wrong = self.rng.random()
        if wrong < 0.05:
            told["fee_usd"] = "0.90"
        elif wrong < 0.1 and "until" in told:
            told["until"] = written(instant(told["until"]) + self.rng.choice([-1, 1]) * HOUR)
        elif wrong < 0.15:
            told["from"] = written(instant(told["from"]) - HOUR)
        elif wrong < 0.18:
            told.pop("until", None)
        elif wrong < 0.21:
            told["instead_of"] = self.rng.choice(self.plans)["name"]

    def _tell(self, told: Fields, ts: int) -> None:
        writers = self.rng.choice([["books"], ["desk-1"], ["desk-1"], ["desk-2"], [*DESKS]])
        for writer in writers:
            late = self.rng.choice([0, 1, 60, 60, HOUR, 6 * HOUR])
            self.spools.tell(writer, ts, dict(told), late=late)
            ts += self.rng.choice([0, 1, 600])

    def _dearer(self, plan: str, running: Fields, ts: int) -> bool:
        old = self._version(running["plan"], instant(running["from"]))
        return nano(self._version(plan, ts)["fee_usd"]) > nano(old["fee_usd"])

    def _version(self, plan: str, at: int) -> Fields:
        """The version of a plan at a time, the first where none has begun."""
        mine = sorted((p for p in self.plans if p["name"] == plan), key=lambda p: str(p["from"]))
        begun = [p for p in mine if instant(p["from"]) <= at]
        return begun[-1] if begun else mine[0]


def _runs(told: Fields, ts: int) -> bool:
    """Whether a plan line told earlier has an end and is in force at a time."""
    return "until" in told and instant(told["from"]) <= hour_of(ts) < instant(told["until"])
