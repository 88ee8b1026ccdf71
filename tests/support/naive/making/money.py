"""Random money: payments, what takes from them, adjustments, grants, bonuses and voids."""

import random
from typing import Any

from tests.support.naive.basics import DAY, HOUR, hour_of, instant, written
from tests.support.naive.making.book import CHARGER, FRONT, Tables
from tests.support.naive.making.spools import BORDER, NaiveSpools, NaiveTold

USD_LINE = {"type": "payment", "currency": "USD", "status": "succeeded"}


class NaiveMoney:
    """Tells random lines of payments into spools."""

    def __init__(self, rng: random.Random, spools: NaiveSpools, users: list[str]) -> None:
        self.rng = rng
        self.spools = spools
        self.users = users
        self.paid: list[NaiveTold] = []
        self.granted: list[NaiveTold] = []

    def tell_payments(self) -> None:
        """Payments by the books and tills, some so old that the ladder's steps are near."""
        for user in self.users:
            if self.rng.random() < 0.85:
                early = BORDER - self.rng.randint(61, 90) * HOUR
                self._by_books(user, early, self.rng.choice(["2.00", "4.00", "7.50", "12.00"]))
            for _ in range(self.rng.choice([0, 1, 1, 2])):
                ago = self.rng.choice([0, 7 * DAY, 30 * DAY])
                ts = self.spools.instant() - ago
                amount = self.rng.choice(["1.00", "2.00", "3.50", "5.00"])
                if self.rng.random() < 0.5:
                    self._by_books(user, ts, amount)
                else:
                    self._by_till(user, ts, amount)

    def tell_attempts(self) -> None:
        """Attempts to pay and to charge cards, by those who may and those who may not; consents."""
        for user in self.users:
            for _ in range(self.rng.choice([0, 1, 3])):
                self._attempt(user)
            for _ in range(self.rng.choice([0, 1, 2])):
                self._consent(user)

    def tell_takes(self) -> None:
        """Refunds, disputes and their reversals, of both versions."""
        for payment in self.paid:
            for _ in range(self.rng.choice([0, 0, 1, 2])):
                if payment.fields["v"] == 1 and self.rng.random() < 0.7:
                    self._old_refund(payment)
                else:
                    self._new_take(payment)

    def tell_adjustments(self) -> None:
        """Adjustments and old grants by the books, and adjustments of desks."""
        for user in self.users:
            if self.rng.random() < 0.25:
                kind = self.rng.choice(["adjustment", "grant"])
                amount = self.rng.choice(["0.30", "1.20"] + ["-0.40"] * (kind == "adjustment"))
                self._books(user, kind, f"old:{self.spools.number()}", {"v": 1, "amount": amount})
            if self.rng.random() < 0.2:
                fields = {
                    "v": 2,
                    "kind": "adjustment",
                    "provider": "manual",
                    "external_ref": f"sorry:{self.spools.number()}",
                    "user": user,
                    "amount": self.rng.choice(["0.80", "-0.70", "1.00", "1.01"]),
                }
                desk = self.rng.choice(["desk-1", "desk-2"])
                self.spools.tell(desk, self.spools.instant(), USD_LINE | fields)

    def tell_grants(self, templates: Tables) -> None:
        """Grants with terms by the books, and by desks from templates."""
        for user in self.users:
            for _ in range(self.rng.choice([0, 1, 1, 2])):
                self._grant_of_books(user)
            for _ in range(self.rng.choice([0, 1, 2])):
                self._grant_of_desk(user, self.rng.choice(templates))

    def tell_voids(self) -> None:
        """Voids by whoever, of some grants."""
        for grant in self.granted:
            if self.rng.random() < 0.2:
                writer = self.rng.choice(["books", "desk-1", grant.writer])
                ts = self.spools.instant()
                start = hour_of(ts) + self.rng.randint(-30, 10) * HOUR
                fields = {
                    "type": "payment",
                    "v": 2,
                    "kind": "void",
                    "of_provider": "manual",
                    "of_ref": grant.fields["external_ref"],
                    "from": written(start),
                    "by": "staff:7",
                    "reason": "abuse",
                }
                self.spools.tell(writer, ts, fields)

    def _by_books(self, user: str, ts: int, amount: str) -> None:
        fields = {"v": 1, "kind": "payment", "user": user, "amount": amount}
        name = {"provider": "manual", "external_ref": f"cash:{self.spools.number()}"}
        self.paid.append(self.spools.tell("books", ts, USD_LINE | fields | name))

    def _by_till(self, user: str, ts: int, amount: str) -> None:
        till = self.rng.choice(["till-1", "till-1", "till-2"])
        number = self.spools.number()
        fields: dict[str, Any] = USD_LINE | {"v": 2, "kind": "payment", "user": user}
        if self.rng.random() < 0.2:
            fields |= {"provider": "clickpesa-tz", "external_ref": f"CP{number}"}
            fields |= {"amount": "3000", "currency": "TZS", "credited_usd": amount}
        else:
            fields |= {"provider": "stripe", "external_ref": f"pi_{number}", "amount": amount}
        self.paid.append(self.spools.tell(till, ts, fields))
        if self.rng.random() < 0.15:
            other = {"user": self.rng.choice(self.users)} if self.rng.random() < 0.5 else {}
            self.spools.tell(self.rng.choice(["books", "till-2"]), ts - 5, fields | other)

    def _attempt(self, user: str) -> None:
        writer = self.rng.choice([*FRONT, CHARGER, CHARGER])
        number, ts = self.spools.number(), self.spools.instant()
        begins = self.rng.choice(["auto", "auto", "topup"])
        about = {"type": "payment", "v": 2, "user": user, "provider": "stripe"}
        about |= {"attempt": f"{begins}:{user}:{number}"}
        amount = {"amount": "2.00", "currency": "USD"}
        kind = self.rng.choice(["pending", "ended", "payment"])
        fields: dict[str, Any] = about | {"kind": kind}
        if kind == "ended":
            fields |= {"reason": "card_declined"}
        else:
            fields |= amount
        if kind == "payment":
            fields |= {"external_ref": f"pi_{number}", "status": "succeeded"}
            self.paid.append(self.spools.tell(writer, ts, fields))
        else:
            self.spools.tell(writer, ts, fields)

    def _consent(self, user: str) -> None:
        stated: dict[str, Any] = {"amount_usd": self.rng.choice(["10.00", "20.00", "20.01"])}
        if self.rng.random() < 0.8:
            stated["month_usd"] = self.rng.choice(["50.00", "100.00", "100.01"])
        if self.rng.random() < 0.7:
            stated |= {"of_provider": "stripe", "of_ref": f"pi_{self.spools.number()}"}
        fields = {"type": "account", "v": 2, "kind": "consent", "user": user} | stated
        self.spools.tell(self.rng.choice([*FRONT, CHARGER]), self.spools.instant(), fields)

    def _old_refund(self, payment: NaiveTold) -> None:
        fields = _without(payment.fields, "attempt") | {
            "kind": "refund",
            "external_ref": f"back:{self.spools.number()}",
            "amount": self.rng.choice(["0.40", "1.00", "3.00"]),
        }
        ts = payment.ts + self.rng.randint(0, 40) * HOUR
        self.spools.tell("books", ts, fields, {"refers_to": payment})

    def _new_take(self, payment: NaiveTold) -> None:
        kind = self.rng.choice(["refund", "refund", "dispute"])
        tzs = payment.fields["currency"] == "TZS"
        amounts = ["1000", "2000", "4000"] if tzs else ["0.33", "1.00", "2.00", "9.00"]
        fields = _without(payment.fields, "credited_usd", "attempt")
        fields |= {
            "v": 2,
            "kind": kind,
            "external_ref": self._take_name(kind),
            "of_ref": payment.fields["external_ref"],
            "amount": self.rng.choice(amounts),
        }
        if self.rng.random() < 0.1:
            fields["user"] = self.rng.choice(self.users)
        writer = "books" if payment.writer == "books" else self.rng.choice(["till-1", "till-2"])
        ts = payment.ts + self.rng.randint(-3, 60) * HOUR
        self.spools.tell(writer, ts, fields)
        if self.rng.random() < 0.3:
            name = fields["external_ref"] if kind == "refund" else self._take_name(kind)
            back = fields | {"kind": f"{kind}_reversal", "external_ref": name}
            self.spools.tell(writer, ts + self.rng.randint(0, 20) * HOUR, back)

    def _take_name(self, kind: str) -> str:
        return f"{'re_' if kind == 'refund' else 'txn_'}{self.spools.number()}"

    def _books(self, user: str, kind: str, ref: str, more: dict[str, Any]) -> NaiveTold:
        fields = {"kind": kind, "provider": "manual", "external_ref": ref, "user": user} | more
        return self.spools.tell("books", self.spools.instant(), USD_LINE | fields)

    def _grant_of_books(self, user: str) -> None:
        start = BORDER + self.rng.randint(-60, 50) * HOUR
        more: dict[str, Any] = {
            "v": 2,
            "amount": self.rng.choice(["0.50", "1.00", "2.00", "0.000000003"]),
            "category": self.rng.choice(["promotional", "promotional", "paid"]),
            "priority": self.rng.choice([10, 50, 50]),
            "from": written(start),
        }
        if self.rng.random() < 0.7:
            more["until"] = written(start + self.rng.choice([1, 5, 24, 48]) * HOUR)
        if self.rng.random() < 0.4:
            more["scope"] = self.rng.choice([["search/*"], ["*/in", "jobs"], ["llm*", "nano"]])
        if self.rng.random() < 0.3 and self.paid:
            payment = self.rng.choice(self.paid).fields
            more |= {"of_provider": payment["provider"], "of_ref": payment["external_ref"]}
        ref = f"gift:{self.spools.number()}"
        self.granted.append(self._books(user, "grant", ref, more))

    def _grant_of_desk(self, user: str, template: dict[str, Any]) -> None:
        ts = self.spools.instant()
        version = template
        start = hour_of(ts) - (HOUR if self.rng.random() < 0.1 else 0)
        fields: dict[str, Any] = {
            "v": 2,
            "kind": "grant",
            "provider": "manual",
            "external_ref": f"{template['name']}:{user}",
            "user": user,
            "amount": version["usd"],
            "category": version["category"],
            "priority": version["priority"],
            "from": written(start),
            "until": written(start + version["days"] * DAY),
        }
        if "scope" in version:
            fields["scope"] = version["scope"]
        if "after_payment_usd" in version and self.rng.random() < 0.4 and self.paid:
            payment = self.rng.choice(self.paid).fields
            fields |= {"of_provider": payment["provider"], "of_ref": payment["external_ref"]}
        for desk in self.rng.choice([["desk-1"]] * 3 + [["desk-2"], ["desk-1", "desk-2"]]):
            late = self.rng.choice([0, 60, 2 * HOUR, DAY, DAY + 1])
            self.granted.append(self.spools.tell(desk, ts, USD_LINE | fields, late=late))
            if self.rng.random() < 0.2:
                ts += HOUR
                fields["from"] = written(instant(fields["from"]) + HOUR)
                fields["until"] = written(instant(fields["until"]) + HOUR)


def _without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
