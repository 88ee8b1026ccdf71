"""What came in and what was settled: every line about money and accounts, and whether it counts."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from aggregator.store.questions.payments import MoneyLine
from aggregator.store.store import PULLED_AT, LedgerStore
from gitmeter.counting.effects import OF_A_PAYMENT, credited_nano
from gitmeter.money.pool import payments_of
from gitmeter.money.reasons import WAITING
from gitmeter.money.rivals import judge
from gitmeter.money.topups.attempts import is_automatic
from gitmeter.money.topups.settled import SETTINGS_OF_TOPUPS
from wire_format.currencies import CURRENCY_DEFAULT
from wire_format.instants import HOUR_US, format_ts, from_us, hour_start, to_us
from wire_format.lines import Account, Money
from wire_format.money import format_usd, parse_nano

Answer = dict[str, Any]

COLUMNS: Final = (
    *("ts", "user", "kind", "amount", "currency", "credit_usd", "left_usd", "state", "reconciled"),
    *("provider", "external_ref", "of_ref", "attempt", "node", "seq", "repo", "commit"),
    *("committed_at", "path", "line_no", "of_provider", "category", "from", "until", "plan"),
    *("instead_of", "fee_usd", "key_id"),
)
"""What a row of a table has: a field of the answer each."""

_FIELDS = (
    *("user", "kind", "provider", "external_ref", "of_provider", "of_ref", "amount", "currency"),
    *("credited_usd", "status", "attempt", "category", "plan", "instead_of", "fee_usd", "key_id"),
    *("by", "reason"),
)
_CONSENT: Final = ("amount_usd", "below_usd", "month_usd")
_TERMS: Final = (*SETTINGS_OF_TOPUPS, *_CONSENT, "of_provider", "of_ref")
_NEVER_US = 2**62
_USERS_AT_ONCE: Final = 1000


def lines(
    store: LedgerStore, user: str | None, since_hour: int | None, until_hour: int | None
) -> Iterator[Answer]:
    """The lines of a user, or of all, dated from one clock hour on and before another."""
    since_us = 0 if since_hour is None else to_us(hour_start(since_hour))
    until_us = _NEVER_US if until_hour is None else to_us(hour_start(until_hour))
    # payments of everybody else need not be judged for this
    users = store.money.users_between(since_us, until_us) if user is None else {user}
    taken = taken_from(store, users)
    for line in store.payments.lines(user, since_us, until_us):
        yield answer_of(line, left_of(line, taken))


def unconfirmed(store: LedgerStore, topups: Answer) -> Iterator[Answer]:
    """Every line of tills that no reconciliation covers, whatever it is worth.

    Args:
        store: the ledger.
        topups: gets, after the last line, what is needed to judge the automatic payments among
            them: what their users had agreed to, and the payments that count towards their limits.
    """
    automatic: list[Money] = []
    for line in store.payments.uncovered():
        record = line.record
        if isinstance(record, Money) and record.kind == "payment" and is_automatic(record.attempt):
            automatic.append(record)
        yield answer_of(line, None)
    topups |= {
        "terms": list(_terms(store, automatic)),
        "covered": list(_covered(store, automatic)),
    }


def _terms(store: LedgerStore, automatic: Iterable[Money]) -> Iterator[Answer]:
    latest: dict[str, int] = {}
    for record in automatic:
        latest[record.user] = max(latest.get(record.user, 0), to_us(record.ts))
    for user, before_us in sorted(latest.items()):
        for line, committed_us in store.charged.terms(user, before_us):
            stated = {name: getattr(line, name) for name in _TERMS}
            yield {
                "node": line.node,
                "seq": line.seq,
                "ts": format_ts(line.ts),
                "committed_at": None if committed_us is None else format_ts(from_us(committed_us)),
                "user": user,
                "kind": line.kind,
                **{name: value for name, value in stated.items() if value is not None},
            }


def _covered(store: LedgerStore, automatic: Iterable[Money]) -> Iterator[Answer]:
    """Covered ones of the same users and months, and of everybody within an hour."""
    months = {(record.user, *_month_us(record.ts)) for record in automatic}
    found = {
        record: None
        for user, since_us, until_us in sorted(months)
        for record in store.charged.covered_of(user, since_us, until_us)
    }
    hours = sorted(to_us(record.ts) for record in automatic)
    for since_us, until_us in _joined((us - HOUR_US, us + HOUR_US + 1) for us in hours):
        found |= dict.fromkeys(store.charged.covered(since_us, until_us))
    for record in found:
        yield {
            "user": record.user,
            "provider": record.provider,
            "external_ref": record.external_ref,
            "ts": format_ts(record.ts),
            "credit_usd": format_usd(credited_nano(record)),
        }


def _month_us(at: datetime) -> tuple[int, int]:
    """When the calendar month of a time begins, and the next one."""
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return to_us(first), to_us((first + timedelta(days=32)).replace(day=1))


def _joined(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches by their beginnings, those that meet made one."""
    found: list[tuple[int, int]] = []
    for since_us, until_us in stretches:
        meets = found and since_us <= found[-1][1]
        found.append((found.pop()[0] if meets else since_us, until_us))
    return found


def basis(store: LedgerStore) -> Answer:
    """What an answer stands on: its time, how far each writer was read, and the rules."""
    from aggregator.ledger.rule_book import rule_book_in_force  # loads pydantic

    book = rule_book_in_force(store)
    return {
        "as_of": store.fact(PULLED_AT),
        "writers": [
            {
                "node": tip.node,
                "role": tip.role,
                "repo": tip.repo,
                "tip": tip.tip,
                "committed_at": format_ts(from_us(tip.committed_us)),
                "read_at": tip.read_at,
                "is_current": tip.is_current,
            }
            for tip in store.payments.tips()
        ],
        "rules": {
            "providers": [
                {"name": each.name, "kind": each.kind, "account": each.account, "mode": each.mode}
                for each in book.writers.providers.values()
            ],
        },
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else format_ts(at)


def _states_credit(record: Money) -> bool:
    """Whether a line says by itself what it adds; what takes from a payment does not."""
    is_in_usd = record.currency == CURRENCY_DEFAULT or record.credited_usd is not None
    return record.kind not in OF_A_PAYMENT and is_in_usd


def taken_from(store: LedgerStore, users: Iterable[str]) -> Mapping[Money, int]:
    """What is left of those payments of users from which something was taken, in nano-dollars.

    Of most payments all is left: they are forgotten once they were judged.
    """
    found: dict[Money, int] = {}
    remaining = iter(users)
    while some := list(islice(remaining, _USERS_AT_ONCE)):
        for record, payment in payments_of(judge(store.money.entries(some, ()).values())).items():
            if (left_nano := payment.left_nano()) != payment.credit_nano:
                found[record] = left_nano
    return found


def left_of(line: MoneyLine, taken: Mapping[Money, int]) -> int | None:
    """What is left of a payment that counts, in nano-dollars; None for every other line.

    Args:
        line: the line.
        taken: what is left of those payments from which something was taken.
    """
    record = line.record
    if not isinstance(record, Money) or record.kind != "payment" or line.state != "counted":
        return None
    return taken.get(record, credited_nano(record))


def answer_of(line: MoneyLine, left_nano: int | None) -> Answer:
    """A line with its state and place.

    Args:
        line: the line.
        left_nano: what is left of it, if it is a payment that counts.
    """
    record = line.record
    stated = {name: getattr(record, name, None) or None for name in _FIELDS}
    answer: Answer = {
        "node": line.node,
        "seq": record.seq,
        "ts": format_ts(record.ts),
        **stated,
        "from": _instant(record.from_),
        "until": _instant(record.until),
        "state": "waits" if line.state in WAITING else line.state,
        "reconciled": line.covered_us is not None,
        "credit_usd": None,
        "left_usd": None,
        "repo": line.repo,
        "commit": line.commit,
        "committed_at": None
        if line.committed_us is None
        else format_ts(from_us(line.committed_us)),
        "path": line.path,
        "line_no": line.line_no,
    }
    if isinstance(record, Account):
        if record.kind == "consent":
            answer |= {name: getattr(record, name) for name in _CONSENT}
        if record.fee_usd is not None:
            answer["credit_usd"] = format_usd(-parse_nano(record.fee_usd))
    elif _states_credit(record):
        answer["credit_usd"] = format_usd(credited_nano(record))
    if left_nano is not None:
        answer["left_usd"] = format_usd(left_nano)
    return answer
