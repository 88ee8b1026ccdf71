"""Where automatic payments stand, and why nothing is charged where nothing is."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple

from aggregator.balances.topups.settling import SETTLE_H
from aggregator.reports.basis import Answer, stands_on
from aggregator.reports.topups import topup_state
from gitmeter.money.topups.judging import PAUSE_US, TopupStop
from gitmeter.money.topups.stated import states_topups
from portal.access.holders import unread_about
from portal.api.automatic.forms import (
    AutoTopupAttempt,
    AutoTopupInShort,
    AutoTopupStanding,
    AutoTopupTerms,
    AutoTopupWord,
)
from portal.api.customers.account import account_here
from portal.api.customers.freshness import fresh
from portal.api.request import Asked
from wire_format.instants import format_ts, parse_ts
from wire_format.money import format_usd, parse_nano

_STOPPED: Final = frozenset({TopupStop.SUSPENDED, TopupStop.FAILED, TopupStop.IN_QUESTION})
_WHY: Final[Mapping[TopupStop | None, str]] = {
    None: "the balance is below the threshold, and nothing stands in the way",
    TopupStop.OFF: "automatic payments are off",
    TopupStop.NO_CONSENT: "nobody has agreed to them at the payment provider yet",
    TopupStop.BEYOND_CONSENT: "they are set to more than was agreed to at the payment provider",
    TopupStop.SUSPENDED: "the account is suspended",
    TopupStop.FAILED: "they were switched off after three payments that failed in a row",
    TopupStop.IN_QUESTION: "somebody has to look at a payment of the account first",
    TopupStop.TAKEN_BACK: "money was given back or disputed since they were agreed to",
    TopupStop.OPEN: "a payment is being made",
    TopupStop.RECENT: "the last payment was tried less than 24 hours ago",
    TopupStop.MONTH: "another payment would go beyond the limit of the month",
    TopupStop.ENOUGH: "the balance is not below the threshold",
}
_NEW: Final = "they were settled a moment ago"


class TopupStanding(NamedTuple):
    """Where automatic payments stand.

    Attributes:
        stop: what first stands in the way; None where nothing does.
        is_new: whether the ledger has not read what is settled.
        found: of `aggregator.reports.topups.topup_state`.
    """

    stop: TopupStop | None
    is_new: bool
    found: Answer

    @property
    def word(self) -> AutoTopupWord:
        """The same in a word."""
        if self.stop is TopupStop.OFF:
            return "off"
        if self.stop in _STOPPED:
            return "stopped"
        return "needs_consent" if self.needs_consent else "on"

    @property
    def needs_consent(self) -> bool:
        """Whether nothing is charged until the customer agrees once more."""
        is_missing = self.stop in {TopupStop.NO_CONSENT, TopupStop.BEYOND_CONSENT}
        return is_missing or self.stop is TopupStop.TAKEN_BACK

    @property
    def why(self) -> str:
        """The same in words."""
        return _NEW if self.stop is None and self.is_new else _WHY[self.stop]


def standing_here(asked: Asked) -> TopupStanding:
    """Where they stand by the ledger, with what was settled here a moment ago."""
    till, user = asked.portal.config.till, asked.holder.user
    settle_h = SETTLE_H if till is None else till.settle_h
    unread = unread_about(asked.store, asked.portal.desk.unbilled, user)
    # what was written in this very request is later than it
    now = max([asked.now, *(entry.record.ts for entry in unread)])
    found = topup_state(asked.store, user, now, settle_h, unread)
    is_new = any(states_topups(entry.record) for entry in unread)
    stop = None if found["stop"] is None else TopupStop(found["stop"])
    return TopupStanding(stop, is_new, found)


def standing(asked: Asked) -> AutoTopupStanding:
    """Say where the automatic payments of an account stand, and why nothing is charged now.

    It is what the ledger has, with what was settled here a moment ago; which attempts wait for a
    customer's word to the bank the provider alone knows.
    """
    account = account_here(asked)
    return AutoTopupStanding(
        **stated(standing_here(asked)), **fresh(asked, stands_on(asked.store, account.id))
    )


def in_short(asked: Asked) -> AutoTopupInShort:
    """What became of the settings about automatic payments."""
    found = standing_here(asked)
    return AutoTopupInShort(state=found.word, needs_consent=found.needs_consent)


def stated(standing: TopupStanding) -> dict[str, Any]:
    """The fields of `AutoTopupStanding`, but for how fresh they are."""
    found = standing.found
    consent = found["consent"]
    if consent is not None and not consent["allows"]:
        consent = None
    return {
        "state": standing.word,
        "stop": None if standing.stop is None else standing.stop.replace(" ", "_"),
        "why": standing.why,
        "next_at": _next_at(found) if standing.stop is TopupStop.RECENT else None,
        "settled": _terms(found["wanted"]),
        "consented": _terms(consent),
        "consented_at": None if consent is None else consent["at"],
        "balance_usd": _usd(found["balance_usd"]),
        "spent_month_usd": _usd(found["spent_month_usd"]),
        "failures": found["failures"],
        "attempts": [*map(_attempt, found["attempts"])],
    }


def _next_at(found: Answer) -> str | None:
    """When the pause after the last attempt is over."""
    times = (each["ended_at"] or each["began_at"] for each in found["attempts"])
    last = max(times, default=None)
    return None if last is None else format_ts(parse_ts(last) + timedelta(microseconds=PAUSE_US))


def _terms(found: Answer | None) -> AutoTopupTerms | None:
    if found is None:
        return None
    return AutoTopupTerms(**{name: _usd(found[name]) for name in AutoTopupTerms.model_fields})


def _attempt(found: Answer) -> AutoTopupAttempt:
    return AutoTopupAttempt(
        attempt=found["attempt"],
        began_at=found["began_at"],
        ended_at=found["ended_at"],
        amount_usd=_usd(found["amount_usd"]),
        state=found["state"].replace(" ", "_"),
        reason=found["reason"],
        confirm_url=None,
    )


def _usd(text: str) -> str:
    return format_usd(parse_nano(text))
