"""What a line may say, and what its writer may write (W1 to W5, W13, W18, templates)."""

import re

from tests.support.naive.basics import DAY, HOUR, hour_of, instant, nano
from tests.support.naive.facts import NaiveCopy, NaiveFacts, NaiveLine, Table, in_force

TAKES = ("refund", "dispute")
GIVES_BACK = ("refund_reversal", "dispute_reversal")
MOVES = ("payment", *TAKES, *GIVES_BACK)
TILL_WRITES = {*MOVES, "pending", "ended", "consent"}
DESK_WRITES = {"grant", "adjustment", "void"} | {
    *("open", "suspend", "reopen", "plan", "setting", "key", "revoke")
}
STRIPE_NAMES = {
    "payment": ("pi_",),
    "refund": ("re_", "pyr_"),
    "refund_reversal": ("re_", "pyr_"),
    "dispute": ("txn_",),
    "dispute_reversal": ("txn_",),
}
NEW_ID = r"[a-z0-9][a-z0-9-]{7,63}"
BY = r"(staff|customer):[^@]+"


def find_place(facts: NaiveFacts, line: NaiveLine) -> NaiveCopy | None:
    """The earliest good commit in which the line may be written, or None where there is none."""
    if facts.excluded(line) or not _valid(facts, line):
        return None
    for copy in line.copies:
        good = facts.accepted(copy.commit) and facts.claims(line.node, copy.commit)
        if good and _may(facts, line, copy):
            return copy
    return None


def template_of(facts: NaiveFacts, line: NaiveLine, at: int) -> Table | None:
    """The version, at that time, of the template that a desk's grant or adjustment names."""
    tables = facts.writers["grants" if line.kind == "grant" else "adjusts"]
    name = str(line.get("external_ref")).rpartition(":")[0]
    if line.kind == "adjustment":
        name = str(line.get("external_ref")).partition(":")[0]
    return in_force([table for table in tables if table["name"] == name], at)


def _may(facts: NaiveFacts, line: NaiveLine, copy: NaiveCopy) -> bool:
    if copy.role == "books":
        return True
    if copy.role == "usage":
        return line.type == "usage"
    if copy.role == "till":
        return _till_may(facts, line, copy)
    return copy.role == "desk" and _desk_may(facts, line, copy)


def _till_may(facts: NaiveFacts, line: NaiveLine, copy: NaiveCopy) -> bool:
    mine = [table for table in facts.writers["tills"] if table["node"] == line.node]
    entry = in_force(mine, copy.ts)
    if entry is None or line.version != 2 or line.ts < copy.ts - 35 * DAY:
        return False
    if line.kind not in TILL_WRITES:
        return False
    if line.kind == "consent":
        return entry.get("topups_hour_max") is None and _may_consent(entry, line)
    is_automatic = str(line.get("attempt") or "").startswith("auto:")
    if (line.kind in ("pending", "ended") and is_automatic) != ("topups_hour_max" in entry):
        return False
    names = [table["name"] for table in facts.writers["providers"]]
    provider = line.get("provider")
    if provider not in entry["providers"] or provider not in names or provider == "manual":
        return False
    if line.kind not in MOVES:
        return True
    since = entry.get("since")
    if since is not None and line.ts < instant(since):
        return False
    most = entry.get("payment_max_usd")
    return line.kind != "payment" or most is None or line.credit <= nano(most)


def _may_consent(entry: Table, line: NaiveLine) -> bool:
    if entry.get("consent_max_usd") is None:
        return True
    amount, month = line.get("amount_usd"), line.get("month_usd")
    if amount is None or month is None:
        return False
    most = entry["consent_max_usd"], entry["consent_month_max_usd"]
    return nano(amount) <= nano(most[0]) and nano(month) <= nano(most[1])


def _desk_may(facts: NaiveFacts, line: NaiveLine, copy: NaiveCopy) -> bool:
    mine = [table for table in facts.writers["desks"] if table["node"] == line.node]
    if in_force(mine, copy.ts) is None or line.version != 2 or line.ts < copy.ts - DAY:
        return False
    if line.kind not in DESK_WRITES:
        return False
    if "@" in f"{line.get('user')}{line.get('reason')}{line.get('external_ref')}":
        return False
    by = line.get("by")
    if by is not None and not re.fullmatch(BY, by):
        return False
    if line.kind == "key":
        return not any(str(scope).startswith("staff") for scope in line.get("scopes") or [])
    if line.kind in {"grant", "adjustment"}:
        table = template_of(facts, line, copy.ts)
        if table is None or line.get("provider") != "manual" or line.get("currency") != "USD":
            return False
        return _grant_is(line, table) if line.kind == "grant" else _adjustment_is(line, table)
    return True


def _grant_is(line: NaiveLine, table: Table) -> bool:
    start = instant(line.fields["from"])
    days = table.get("days")
    until = None if line.get("until") is None else instant(line.fields["until"])
    return (
        line.get("external_ref") == f"{table['name']}:{line.get('user')}"
        and line.credit == nano(table["usd"])
        and line.get("category") == table.get("category", "promotional")
        and line.get("priority") == table.get("priority", 50)
        and line.get("scope") == table.get("scope")
        and start == hour_of(line.ts)
        and until == (None if days is None else start + days * DAY)
        and (line.get("of_ref") is None or table.get("after_payment_usd") is not None)
    )


def _adjustment_is(line: NaiveLine, table: Table) -> bool:
    most = table.get("per_line_usd")
    has_id = str(line.get("external_ref")) != f"{table['name']}:"
    return has_id and (most is None or abs(line.credit) <= nano(most))


def _valid(facts: NaiveFacts, line: NaiveLine) -> bool:
    if line.type == "payment":
        return _valid_payment(facts, line)
    if line.type == "account":
        return _valid_account(line)
    return True


def _valid_payment(facts: NaiveFacts, line: NaiveLine) -> bool:
    tables = [t for t in facts.writers["providers"] if t["name"] == line.get("provider")]
    if any(table["mode"] == "test" for table in tables) and not facts.rules.get("test", False):
        return False
    if line.kind in {"pending", "ended"}:
        return line.version == 2
    if line.kind == "void":
        return line.version == 2 and _hours(line)
    status, usd = str(line.get("status")), bool(line.get("currency") == "USD")
    stated = line.get("credited_usd") is not None
    if line.version == 1:
        known = line.kind in {"payment", "refund", "grant", "adjustment"}
        return known and status == "succeeded" and (usd or stated)
    if status != "succeeded" and not (line.kind == "payment" and status == "undecided"):
        return False
    if stated and (usd or line.kind != "payment"):
        return False
    if line.kind == "adjustment":
        return usd
    if line.kind == "grant":
        return usd and line.amount > 0 and _hours(line) and _has_terms(line)
    return line.kind in MOVES and line.amount > 0 and _valid_move(line, tables)


def _valid_move(line: NaiveLine, tables: list[Table]) -> bool:
    """A name in its provider's form, and in other money than dollars a payment's credit."""
    if line.kind == "payment" and line.get("status") == "succeeded" and line.credit <= 0:
        return False
    of_stripe = any(table["kind"] == "stripe" for table in tables)
    return not of_stripe or str(line.get("external_ref")).startswith(STRIPE_NAMES[line.kind])


def _has_terms(line: NaiveLine) -> bool:
    return line.get("category") in {"promotional", "paid"} and line.get("priority") is not None


def _valid_account(line: NaiveLine) -> bool:
    if line.version != 2:
        return False
    if line.kind == "open":
        return re.fullmatch(NEW_ID, str(line.get("user"))) is not None
    if line.kind == "key":
        return bool(line.get("key_id") == str(line.get("sha256"))[:16])
    return line.kind != "plan" or _hours(line)


def _hours(line: NaiveLine) -> bool:
    """`from` there and a full hour; `until`, where there is one, a later full hour."""
    if line.get("from") is None:
        return False
    start = instant(line.fields["from"])
    until = line.get("until")
    if until is None:
        return start % HOUR == 0
    return start % HOUR == 0 and instant(until) % HOUR == 0 and instant(until) > start
