"""Charges of saved cards: whether their users had agreed to them. Pure.

A till that charges has a key of its own at the provider, so nothing that a till writes says that it
may. What says so is older than the payment, and of other writers: a setting, and a consent of which
the provider knows as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from books.reconcile.judging.compare import Basis
from books.reconcile.report import ReportedLine, ReportedTopups
from gitmeter.money.topups.attempts import is_automatic
from gitmeter.money.topups.covering import (
    KNOWN_AFTER_US,
    Agreed,
    ChargedCard,
    CoverFault,
    StatedTerms,
    agreed_between,
    cover_fault,
)
from gitmeter.money.topups.settled import AutoTopup
from providers.interface import Truth
from providers.tag import Promise
from wire_format.instants import DAY_US, to_us
from wire_format.lines import Account
from wire_format.money import InvalidAmountError, parse_nano
from wire_format.writers import NO_WRITERS, Writers

CHARGED: Final = "a saved card was charged, "
"""What begins the words of a charge that nobody agreed to."""

NOT_SAID: Final = (
    f"{CHARGED}and the answer does not say what was agreed to before: the aggregator is older than"
    " these books"
)
_NO_ATTEMPT: Final = f"{CHARGED}and the line does not name an attempt of a till that charges"
_FAULTS: Final = {
    CoverFault.NO_CHARGER: "and rules/writers.toml had no till then that charges at that account",
    CoverFault.NOT_SETTLED: "and the account had no setting then that lets it be",
    CoverFault.NO_CONSENT: "and the account had no consent then, within the limits of its till",
    CoverFault.AMOUNT: "with more than what was settled and consented to",
    CoverFault.MONTH: "with more in that month than what was settled and consented to",
    CoverFault.HOUR: "with more than topup_usd_hour_max of all accounts within an hour",
}
_CONFIRMED_WITHIN_US: Final = 4 * DAY_US
"""So long after it began may a charge be paid, where the customer's bank asks him."""
_CONSENTS_MAX: Final = 10
"""Of so many consents about one payment the provider is asked; more are no honest till's."""


class TopupGrounds(NamedTuple):
    """What charges of saved cards are judged by.

    Attributes:
        writers: of the rule book.
        terms: what each user stated; None where the answer does not say it.
        covered: charges that count already.
    """

    writers: Writers = NO_WRITERS
    terms: Mapping[str, Sequence[StatedTerms]] | None = None
    covered: Sequence[ChargedCard] = ()


NO_TOPUPS: Final = TopupGrounds()
"""Where nothing is known, no charge was agreed to."""


def topup_grounds(
    topups: ReportedTopups | None, settled_here: Iterable[ReportedLine], writers: Writers
) -> TopupGrounds:
    """What charges are judged by.

    Args:
        topups: of the aggregator's answer; None where it has none.
        settled_here: lines that these books cover, which the aggregator does not know yet.
        writers: of the rule book.
    """
    covered = [_charged(line, is_covered=True) for line in settled_here if _is_a_charge(line)]
    if topups is None:
        return TopupGrounds(writers, None, covered)
    terms: dict[str, list[StatedTerms]] = defaultdict(list)
    for each in topups.terms:
        committed_us = None if each.committed_at is None else to_us(each.committed_at)
        record = Account(
            v=2,
            node=each.node,
            seq=each.seq,
            ts=each.ts,
            user=each.user,
            kind=each.kind,
            auto_topup_usd=each.auto_topup_usd,
            auto_topup_below_usd=each.auto_topup_below_usd,
            auto_topup_month_usd=each.auto_topup_month_usd,
            amount_usd=each.amount_usd,
            below_usd=each.below_usd,
            month_usd=each.month_usd,
            of_provider=each.of_provider,
            of_ref=each.of_ref,
        )
        terms[each.user].append(StatedTerms(record, committed_us))
    covered += [
        ChargedCard(
            each.user,
            each.provider,
            each.external_ref,
            to_us(each.ts),
            _nano(each.credit_usd),
            is_covered=True,
        )
        for each in topups.covered
    ]
    return TopupGrounds(writers, terms, covered)


def consents_to_ask(line: ReportedLine, grounds: TopupGrounds) -> list[str]:
    """The payments at which the user of a charge may have consented to it, by its own words."""
    if not _is_a_charge(line) or grounds.terms is None:
        return []
    paid_us = to_us(line.ts)
    since_us = paid_us - _CONFIRMED_WITHIN_US - KNOWN_AFTER_US
    terms = grounds.terms.get(line.user or "", ())
    consents = [each.consent for each in agreed_between(terms, grounds.writers, since_us, paid_us)]
    found = [
        consent.of_ref
        for consent in consents
        if consent is not None and consent.of_ref and consent.of_provider == line.provider
    ]
    return list(dict.fromkeys(found))[:_CONSENTS_MAX]


class AutomaticCharges:
    """The charges of saved cards among the lines that need an answer.

    Args:
        bases: what each line is compared with whose payment the provider knows.
        promises: what the tag of a payment says, by the object that was asked about; None where it
            says nothing.
        truths: what the provider said, by the object that it was asked about.
        grounds: what they are judged by.
    """

    def __init__(
        self,
        bases: Mapping[ReportedLine, Basis],
        promises: Mapping[str, Promise | None],
        truths: Mapping[str, Truth | None],
        grounds: TopupGrounds,
    ) -> None:
        self._promises = promises
        self._truths = truths
        self._grounds = grounds
        self._bases = {line: basis for line, basis in bases.items() if _is_charged(line, basis)}
        here = [_charged(line, is_covered=False) for line in self._bases]
        self._known = [*grounds.covered, *here]

    def why_not(self, line: ReportedLine) -> str | None:
        """Why nobody had agreed to a charge, for a person; None if it is none, or was agreed to.

        Args:
            line: one that says what the provider says.
        """
        basis = self._bases.get(line)
        if basis is None or basis.truth is None:
            return None
        if basis.promise is None or not is_automatic(line.attempt):
            return _NO_ATTEMPT
        if self._grounds.terms is None:
            return NOT_SAID
        charged = _charged(line, is_covered=False)
        until_us = min(to_us(basis.promise.at), charged.paid_us)
        terms = self._grounds.terms.get(charged.user, ())
        first = ""
        for agreed in agreed_between(
            terms, self._grounds.writers, until_us - KNOWN_AFTER_US, until_us
        ):
            why = self._fault(charged, agreed, basis.truth)
            if why is None:
                return None
            first = first or why
        return f"{CHARGED}{first}"

    def _fault(self, charged: ChargedCard, agreed: Agreed, truth: Truth) -> str | None:
        fault = cover_fault(charged, agreed, self._known, self._grounds.writers)
        if fault is not None:
            return _FAULTS[fault]
        payment = "" if agreed.consent is None else agreed.consent.of_ref or ""
        there, promise = self._truths.get(payment), self._promises.get(payment)
        if there is None or not there.is_by_customer or there.consent is None:
            return f"and the provider knows of no consent with {payment}"
        if promise is None or promise.user != charged.user:
            return f"and {payment}, with the consent, is of another account"
        if AutoTopup.of_texts(*there.consent) != agreed.allowed:
            return f"and the customer consented to something else with {payment}"
        if truth.card is None or truth.card != there.card:
            return f"and it is another card than that of {payment}, with the consent"
        return None


def _is_charged(line: ReportedLine, basis: Basis) -> bool:
    """Whether a line is of a payment that the provider says a saved card gave."""
    truth = basis.truth
    if line.kind != "payment" or truth is None or truth.is_by_customer:
        return False
    return any(fact.external_ref == line.external_ref for fact in truth.facts)


def _is_a_charge(line: ReportedLine) -> bool:
    """Whether a line says of itself that it is of a charge."""
    return line.kind == "payment" and is_automatic(line.attempt)


def _charged(line: ReportedLine, *, is_covered: bool) -> ChargedCard:
    credit_nano = _nano(line.credited_usd or line.amount or "")
    key = (line.user or "", line.provider or "", line.external_ref or "")
    return ChargedCard(*key, to_us(line.ts), credit_nano, is_covered)


def _nano(text: str) -> int:
    try:
        return parse_nano(text)
    except InvalidAmountError:
        return 0
