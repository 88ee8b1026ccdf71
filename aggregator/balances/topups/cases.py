"""What the ledger knows of an account's automatic payments: a function of the lines that count."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple

from msgspec.structs import replace

from aggregator.balances.topups.settling import SETTLE_H, Settling
from aggregator.store.money.stored_lines import text_of
from aggregator.store.questions.reports import Row
from aggregator.store.questions.topups import TopupLine
from aggregator.store.store import LedgerStore
from gitmeter.counting.effects import Movement, movement
from gitmeter.counting.held import HeldReason
from gitmeter.money.accounts import AccountEntry
from gitmeter.money.reasons import WAITING
from gitmeter.money.rivals import MoneyState
from gitmeter.money.topups.attempts import AttemptLine, TopupAttempt, attempts_of, is_automatic
from gitmeter.money.topups.judging import TopupCase, TopupStop, stop_of
from gitmeter.money.topups.stated import KINDS, TopupTerms, terms_at
from wire_format.instants import to_us
from wire_format.lines import Money
from wire_format.writers import NO_WRITERS, Writers

_IN_QUESTION: Final = frozenset(
    {HeldReason.UNCONFIRMED, MoneyState.UNDECIDED, MoneyState.RIVALS, HeldReason.RIVALS}
)
_TOOK: Final = frozenset({MoneyState.COUNTED, *WAITING})
"""States in which a refund or dispute tells that money went back, or may have."""

_PAID: Final = frozenset({MoneyState.COUNTED, MoneyState.REPEATS, MoneyState.SAME_MOVEMENT})
"""States of a payment that came in; where another line stands for it, that one may name no attempt,
because a person wrote it, and may say something else of the same payment."""

_TAKING: Final = frozenset({"refund", "dispute"})
_LESS_THAN_ANY_NANO: Final = -1
"""A balance that is below every threshold."""


class KnownTopup(NamedTuple):
    """What is known of an account.

    Attributes:
        terms: what it settled and consented to.
        lines: its lines about money.
        case: what is judged.
        stop: why its card is not charged; None if it is due.
    """

    terms: TopupTerms
    lines: Sequence[TopupLine]
    case: TopupCase
    stop: TopupStop | None


class TopupCases:
    """Tells what is known of accounts at an instant.

    Args:
        store: the ledger, in a view.
        now: the instant.
        settle_h: for how many hours what was taken of a balance is left out.
    """

    def __init__(self, store: LedgerStore, now: datetime, settle_h: int = SETTLE_H) -> None:
        self._store = store
        self._now_us = to_us(now)
        self._settling = Settling(store, now, settle_h)
        self._writers = writers_in_force(store)

    def of(self, row: Row, unread: Sequence[AccountEntry] = ()) -> KnownTopup:
        """All that is known of an account.

        Args:
            row: the account, as `store.reports` has it.
            unread: lines about it that will count once the ledger has read them.
        """
        return self._known(row, self._terms(row, unread))

    def of_unread(self, unread: Sequence[AccountEntry]) -> KnownTopup:
        """The same of an account that the ledger does not have."""
        terms = self._terms_by(unread)
        case = _case(terms, (), None, 0)
        return KnownTopup(terms, (), case, stop_of(case, self._now_us))

    def due(self, row: Row) -> KnownTopup | None:
        """What is known of an account that is due; None of every other, of which less is read."""
        terms = self._terms(row)
        # of what comes first in the order of reasons nothing else need be known
        if stop_of(_case(terms, (), None, _LESS_THAN_ANY_NANO), self._now_us) is not None:
            return None
        known = self._known(row, terms)
        return known if known.stop is None else None

    def _terms(self, row: Row, unread: Sequence[AccountEntry] = ()) -> TopupTerms:
        return self._terms_by([*self._store.account_lines.counted(row["user"], KINDS), *unread])

    def _terms_by(self, entries: Sequence[AccountEntry]) -> TopupTerms:
        return terms_at(entries, self._writers, self._now_us)

    def _known(self, row: Row, terms: TopupTerms) -> KnownTopup:
        lines = self._store.topups.lines(row["id"])
        takes = self._store.topups.taking(_payments(lines), map(str, _TOOK))
        balance_nano = self._settling.balance_nano(row, lines)
        case = _case(terms, lines, taken_back_us(lines, takes), balance_nano)
        return KnownTopup(terms, lines, case, stop_of(case, self._now_us))


def _case(
    terms: TopupTerms, lines: Sequence[TopupLine], taken_us: int | None, balance_nano: int
) -> TopupCase:
    return TopupCase(
        wanted=terms.wanted,
        settled_us=terms.settled_us,
        consent=terms.consent,
        consented_us=_consented_us(terms, lines),
        is_suspended=terms.is_suspended,
        is_in_question=any(_is_in_question(line) for line in lines),
        taken_back_us=taken_us,
        attempts=attempts_in(lines),
        balance_nano=balance_nano,
    )


def _consented_us(terms: TopupTerms, lines: Iterable[TopupLine]) -> int:
    """When somebody consented: at the latest with the payment, whatever a stolen till may state."""
    last = terms.last_consent
    if last is None or last.of_ref is None:
        return terms.consented_us
    at = last.of_provider, last.of_ref, "payment"
    paid = (to_us(line.record.ts) for line in lines if _payment_of(line.record) == at)
    return min([terms.consented_us, *paid])


def attempts_in(lines: Iterable[TopupLine]) -> list[TopupAttempt]:
    """The automatic attempts among the lines of an account, by when they began."""
    known = list(lines)
    counted = {_payment_of(each.record) for each in known if each.state == MoneyState.COUNTED}
    counted.discard(None)
    return attempts_of(
        AttemptLine(_as_decided(line.record), line.committed_us)
        for line in known
        if is_automatic(line.record.attempt)
        and (_is_believed(line) or _payment_of(line.record) in counted)
    )


def _is_believed(line: TopupLine) -> bool:
    """Whether a line of an attempt is what its writer may say, and of a payment that it came in.

    What was undecided came in, too: a person who excludes it has given it back. So did what is held
    for whatever reason, if another line of the same payment counts.
    """
    if line.record.kind != "payment":
        return line.claims
    is_given_back = line.record.status == "undecided" and line.state == HeldReason.EXCLUDED
    return is_given_back or line.state in _PAID


def _payment_of(record: Money) -> Movement | None:
    return movement(record) if record.kind == "payment" else None


def _as_decided(record: Money) -> Money:
    """A payment that was undecided, once somebody has decided: the card gave it all the same."""
    is_odd = record.kind == "payment" and record.status == "undecided"
    return replace(record, status="succeeded") if is_odd else record


def _is_in_question(line: TopupLine) -> bool:
    return line.record.kind == "payment" and line.state in _IN_QUESTION


def taken_back_us(lines: Iterable[TopupLine], takes: Iterable[Money]) -> int | None:
    """When money of an account went back last, microseconds since 1970; None if it never did.

    Args:
        lines: those that name it; a refund may name anybody.
        takes: those that take from its payments, whomever they name.
    """
    own = (line.record for line in lines if line.state in _TOOK)
    return max(
        (to_us(record.ts) for record in (*own, *takes) if record.kind in _TAKING), default=None
    )


def _payments(lines: Iterable[TopupLine]) -> set[str]:
    """What ties other lines to the payments among these."""
    found = (text_of(movement(e.record)) for e in lines if e.record.kind == "payment")
    return {text for text in found if text is not None}


def writers_in_force(store: LedgerStore) -> Writers:
    """What tills and desks may state, by the rule book in force."""
    files = store.repos.rule_files()
    return NO_WRITERS if files is None else _writers_in(files.writers_toml)


@lru_cache(maxsize=2)
def _writers_in(writers_toml: bytes | None) -> Writers:
    from wire_format.rule_files.writers_file import parse_writers  # loads pydantic

    return parse_writers(writers_toml)
