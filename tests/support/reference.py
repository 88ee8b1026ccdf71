"""The ledger, naively: a set of lines and a rule book in, charges and balances out.

It shares no code with the product and knows nothing of git, order or time of arrival.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

NANO = 10**9
COST_MAX = 1_000_000 * NANO
SUMS = ("list_cost_nano", "billed_cost_nano", "lifetime_paid_nano", "balance_nano")
Row = dict[str, Any]  # a line, a price or a ladder version, as its file states it
instant = datetime.fromisoformat


class Ledger(NamedTuple):
    """Charges by (hour, user, resource, applies_to), accounts by user, held lines with reasons."""

    charges: dict[tuple[str, str, str, str], tuple[int, int, str, int, int]]
    accounts: dict[str, Row]
    held: dict[bytes, str]


def in_force(lines: set[bytes], held: dict[bytes, str]) -> list[Row]:
    """Decisions in the order of their seq, the smaller bytes under each key, none withdrawn."""
    by_key: dict[tuple[str, int, str], Row] = {}
    for line in sorted(lines):
        row = json.loads(line)
        if by_key.setdefault((row["node"], row["seq"], row["ts"]), row) is not row:
            held[line] = "conflict"
    ordered = sorted(by_key.values(), key=lambda row: (row["seq"], row["node"], instant(row["ts"])))
    withdrawn = {(row["node"], row["refers_to"]) for row in ordered if row["kind"] == "withdraw"}
    return [row for row in ordered if (row["node"], row["seq"]) not in withdrawn]


def excluded(row: Row, decided: list[Row]) -> bool:
    """Whether a decision takes the line's key out."""
    return any(
        (d["kind"], d["of"]) == ("exclude", row["node"])
        and d["of_seq"] <= row["seq"] <= d.get("to_seq", d["of_seq"])
        and d.get("of_ts", row["ts"]) == row["ts"]
        for d in decided
        if "of" in d
    )


def admit(lines: set[bytes], held: dict[bytes, str], decided: list[Row]) -> list[Row]:
    """One line for each (node, seq, ts): the chosen, else the smallest, then the smaller bytes."""
    chosen = {
        (d["of"], d["of_seq"], d["of_ts"]): d["line_sha256"]
        for d in decided
        if d["kind"] == "choose"
    }
    rivals = defaultdict(list)
    for line in lines:
        row = {"line": line, **json.loads(line)}
        dollars = Fraction(row.get("credited_usd", row.get("amount", 0)))
        row["size"] = row["units"] if "units" in row else int(dollars * NANO)
        if excluded(row, decided):
            held[line] = "excluded"
        else:
            rivals[row["node"], row["seq"], row["ts"]].append(row)
    for key, rows in rivals.items():
        rows.sort(key=lambda row: (row["size"], row["line"]))
        rows.sort(key=lambda row: hashlib.sha256(row["line"]).hexdigest() != chosen.get(key))
        held.update({row["line"]: "conflict" for row in rows[1:]})
    return corrected([rows[0] for rows in rivals.values()], held)


def affordable(
    rows: list[Row], held: dict[bytes, str], listed: Callable[[list[Row]], int]
) -> list[Row]:
    """Without records that cost more than the limit, each with its corrections.

    `listed` says what lines of one record cost together, in nano-dollars.
    """
    records = defaultdict(list)
    for row in rows:
        records[row["node"], row.get("corrects", row["seq"]), row["ts"]].append(row)
    for parts in records.values():
        if listed(parts) > COST_MAX:
            held.update({row["line"]: "beyond_limit" for row in parts})
    return [row for row in rows if row["line"] not in held]


def hour_text(row: Row) -> str:
    """The beginning of a usage line's clock hour."""
    return str(row["ts"])[:13] + ":00:00Z"


def category_of(row: Row) -> str:
    """The discount category of a usage line."""
    return str(row.get("applies_to", "hero_os_hourly"))


def listed_nano(rows: list[Row], price: Row) -> int:
    """The list cost of lines under one price."""
    return round(exact_nano(rows, price))


def exact_nano(rows: list[Row], price: Row) -> Fraction:
    """The list cost of lines under one price, before it is rounded."""
    units = sum(row["units"] for row in rows)
    return Fraction(price["usd"]) * Fraction(NANO * units, price["per"])


def corrected(rows: list[Row], held: dict[bytes, str]) -> list[Row]:
    """Without the corrections that do not count."""
    originals = {(r["node"], r["seq"], r["ts"]): r for r in rows if "corrects" not in r}
    groups = defaultdict(list)
    for row in rows:
        if "corrects" in row:
            original = originals.get((row["node"], row["corrects"], row["ts"]))
            names = ("user", "resource", "applies_to")
            if original is None:
                held[row["line"]] = "no_original"
            elif [row.get(name) for name in names] != [original.get(name) for name in names]:
                held[row["line"]] = "unlike_original"
            else:
                groups[original["line"], original["units"]].append(row)
    for (_, units), group in groups.items():
        if units + sum(row["units"] for row in group) < 0:
            held.update({row["line"]: "below_zero" for row in group})
    return [row for row in rows if row["line"] not in held]


def movement(row: Row) -> tuple[Any, ...]:
    """What lines about one movement have in common; without a reference a line shares nothing."""
    return row["provider"], row.get("external_ref", row["line"]), row["kind"]


def first_movements(rows: list[Row], held: dict[bytes, str]) -> dict[tuple[Any, ...], Row]:
    """Of the succeeded lines of each movement the first; rows are in the order of their times."""
    first: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        if row.get("status") == "succeeded":
            if first.setdefault(movement(row), row) is not row:
                held[row["line"]] = "repeated reference"
        elif row.get("status") == "failed" and movement(row) in first:
            held[row["line"]] = "failed after it succeeded"
    return first


def counted_money(admitted: list[Row], held: dict[bytes, str]) -> list[Row]:
    """Succeeded lines, the earliest of each business key, and none without the payment it needs.

    The refunds of a payment are one row of kind `refund`, at most as large as the payment. Lines
    without a status, such as voids, are no movements.
    """
    rows = sorted(admitted, key=lambda row: (instant(row["ts"]), row["node"], row["seq"]))
    first = first_movements([row for row in rows if row["kind"] == "payment"], held)
    bonuses = [row for row in rows if row["kind"] == "grant" and "of_ref" in row]
    unpaid = [r for r in bonuses if (r["of_provider"], r["of_ref"], "payment") not in first]
    held.update({row["line"]: "bonus on no counted payment" for row in unpaid})
    others = [row for row in rows if row["kind"] != "payment" and row not in unpaid]
    first |= first_movements(others, held)
    given_back = defaultdict[bytes, list[Row]](list)
    for row in first.values():
        if row["kind"] == "refund":
            named = [r for r in rows if (r["node"], r["seq"]) == (row["node"], row["refers_to"])]
            meant = [first[movement(r)] for r in named if r["status"] == "succeeded"]
            paid = [r for r in meant if (r["kind"], r["user"]) == ("payment", row["user"])]
            if paid:
                given_back[paid[0]["line"]].append(row)
            else:
                held[row["line"]] = "refund of no counted payment"
    counted = [row for row in first.values() if row["kind"] != "refund"]
    for row in counted:
        row["refunds"] = given_back[row["line"]]
    refunds = [
        {**row, "kind": "refund", "size": min(row["size"], sum(r["size"] for r in row["refunds"]))}
        for row in counted
        if row["refunds"]
    ]
    return counted + refunds


def first_paid(payments: list[Row], hour: datetime | None) -> str | None:
    """The first payment of which refunds dated before an hour (or ever) left something."""
    for row in payments:  # the earliest comes first
        taken = [
            r
            for r in row["refunds"]
            if hour is None or instant(r["ts"]) < hour > instant(row["ts"])
        ]
        if sum(r["size"] for r in taken) < row["size"]:
            return str(row["ts"])
    return None


def price_of(resource: str, category: str, hour: datetime, prices: list[Row]) -> Row:
    """The price in force at the start of the hour, with the state of a charge under it."""
    started = [row for row in prices if row["resource"] == resource and row["from"] <= hour]
    for bound_to in (category, None):
        if usable := [row for row in started if row.get("applies_to") == bound_to]:
            return {**max(usable, key=lambda row: row["from"]), "state": "rated"}
    return {"usd": 0, "per": 1, "state": "category_mismatch" if started else "unpriced"}


def multiplier(category: str, hour: datetime, paid_at: str | None, ladders: list[Row]) -> Fraction:
    """Of the user's tier at the start of the hour, by the ladder version then in force."""
    versions = [row for row in ladders if row["from"] <= hour]
    tiers = max(versions, key=lambda row: row["from"])["tiers"] if versions and paid_at else []
    reached = [t for t in tiers if timedelta(days=t["after_days"]) <= hour - instant(str(paid_at))]
    tier: Row = max(reached, key=lambda row: row["after_days"], default={"applies_to": []})
    return Fraction(tier["multiplier"] if category in tier["applies_to"] else 1)


def reckon(
    usage: set[bytes],
    money: set[bytes],
    prices: list[Row],
    ladders: list[Row],
    decisions: set[bytes] = frozenset(),  # type: ignore[assignment]
) -> Ledger:
    """What these lines and rules come to; each cost is rounded once, half to even."""
    out, charged, paid = Ledger({}, {}, {}), defaultdict(list), defaultdict[str, list[Row]](list)
    sums = defaultdict[str, Counter[str]](Counter)
    decided = in_force(decisions, out.held)
    for row in counted_money(admit(money, out.held, decided), out.held):
        sums[row["user"]]["balance_nano"] += row["size"] * (-1 if row["kind"] == "refund" else 1)
        if row["kind"] == "payment":
            paid[row["user"]].append(row)
            sums[row["user"]]["lifetime_paid_nano"] += row["size"]

    def of_record(parts: list[Row]) -> int:
        hour = instant(hour_text(parts[0]))
        price = price_of(parts[0]["resource"], category_of(parts[0]), hour, prices)
        return listed_nano(parts, price)

    for row in affordable(admit(usage, out.held, decided), out.held, of_record):
        key = hour_text(row), row["user"], row["resource"], category_of(row)
        charged[key].append(row)
    for (hour, user, resource, category), rows in charged.items():
        price = price_of(resource, category, instant(hour), prices)
        exact, state, units = exact_nano(rows, price), price["state"], sum(r["units"] for r in rows)
        if round(exact) > COST_MAX:
            exact, state = Fraction(COST_MAX), "overflow"
        paid_at = first_paid(paid[user], instant(hour))
        cost = exact * multiplier(category, instant(hour), paid_at, ladders)
        listed, billed = round(exact), round(cost)
        out.charges[hour, user, resource, category] = units, len(rows), state, listed, billed
        sums[user].update(list_cost_nano=listed, billed_cost_nano=billed, balance_nano=-billed)
    for user, total in sums.items():
        paid_at = first_paid(paid[user], None)
        out.accounts[user] = {"first_paid_at": paid_at, **dict.fromkeys(SUMS, 0), **total}
    return out
