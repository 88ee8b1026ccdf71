"""The forms of automatic payments, consents and saved cards."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.fields import Fresh, Time, Usd, User
from portal.api.models.topups import CurrencyCode, ReturnUrl, UsdPaid
from portal.api.request import Form

AutoTopupWord = Literal["off", "on", "needs_consent", "stopped"]
StopWord = Literal[
    "off",
    "no_consent",
    "beyond_consent",
    "suspended",
    "failed_too_often",
    "payment_in_question",
    "money_taken_back",
    "attempt_open",
    "within_24_hours",
    "limit_of_the_month",
    "enough",
]
AttemptState = Literal["open", "confirm", "paid", "failed", "not_tried"]


class AutoTopupTerms(Form):
    """When a card is charged, how much, and how often.

    Attributes:
        amount_usd: how much one payment is.
        below_usd: the balance below which it is made.
        month_usd: the most by such payments in a month.
    """

    amount_usd: Usd
    below_usd: Usd
    month_usd: Usd


class AutoTopupAttempt(Form):
    """One automatic payment, or what became of it.

    Attributes:
        attempt: its name.
        began_at: when it began.
        ended_at: when it ended; null while it may still be paid.
        amount_usd: how much it is; null where the ledger has not read it yet.
        state: `confirm` where the customer's bank asks for a word, `not_tried` where the card was
            never asked.
        reason: the provider's word for why nothing was paid; null without one.
        confirm_url: where the customer answers the bank; null where nobody asks.
    """

    attempt: str
    began_at: Time
    ended_at: Time | None
    amount_usd: Usd | None
    state: AttemptState
    reason: str | None
    confirm_url: str | None


class AutoTopupStanding(Fresh):
    """Where the automatic payments of an account stand, by the ledger and what was settled here.

    Attributes:
        state: `needs_consent` where nothing is charged until the customer agrees at the provider,
            `stopped` where nothing is charged for another reason that does not pass by itself.
        stop: what first stands in the way of charging the card now; null where nothing does.
        why: the same in words.
        next_at: from when on the next payment may be made; null unless the last one was tried less
            than 24 hours before.
        settled: what the account wants; null where it is off.
        consented: what the customer agreed to last; null for nothing that allows a charge.
        consented_at: when that was.
        balance_usd: the balance that is compared: without fees of plans and usage of new machines
            that are some hours old at most.
        spent_month_usd: what such payments added in this calendar month.
        failures: attempts that failed since it was settled or paid last; three switch it off.
        attempts: the newest first.
    """

    state: AutoTopupWord
    stop: StopWord | None
    why: str
    next_at: Time | None
    settled: AutoTopupTerms | None
    consented: AutoTopupTerms | None
    consented_at: Time | None
    balance_usd: Usd
    spent_month_usd: Usd
    failures: int
    attempts: list[AutoTopupAttempt]


class ConsentMost(Form):
    """Most that a customer can agree to here.

    Attributes:
        amount_usd: for one payment.
        month_usd: for all of a month.
    """

    amount_usd: Usd
    month_usd: Usd


class AutoTopupState(AutoTopupStanding):
    """Where the automatic payments of the account stand.

    Attributes:
        most: most that can be agreed to; null where no card can be saved here now.
        offered: whether a card can be saved here; `not_now` where that cannot be found out now,
            and then no attempt has a link either.
    """

    most: ConsentMost | None
    offered: Literal["yes", "no", "not_now"]


class AutoTopupInShort(Form):
    """What became of the settings about automatic payments.

    Attributes:
        state: as in `GET /v1/auto-topup`.
        needs_consent: whether nothing is charged until the customer agrees to it once more, as
            `POST /v1/auto-topup/consent` begins it.
    """

    state: AutoTopupWord
    needs_consent: bool


class ConsentWanted(Form):
    """A payment at which a card is saved, and the customer agrees to what is settled.

    Attributes:
        usd: the credit that is paid for now; null for the amount of one automatic payment.
        currency: in which it is paid.
        success_url: where the customer goes after paying.
        cancel_url: where the customer goes who does not want to pay.
    """

    usd: UsdPaid | None = None
    currency: CurrencyCode = "USD"
    success_url: ReturnUrl
    cancel_url: ReturnUrl


class KeptCard(Form):
    """A card that the provider keeps.

    Attributes:
        account: where it is kept.
        method: its name there.
        brand: `visa`.
        last4: its last digits.
        expires: its last month.
    """

    account: str
    method: str
    brand: str
    last4: str
    expires: str = Field(examples=["2027-09"])


class KeptCards(Form):
    """The cards that the provider keeps for the account.

    Attributes:
        cards: the newest first.
    """

    cards: list[KeptCard]


class StandingsWanted(Form):
    """Which accounts.

    Attributes:
        state: only those in this state; null for all that want automatic payments.
        limit: how many.
        cursor: of the page before.
    """

    state: AutoTopupWord | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(max_length=256)] = ""


class StandingListed(Form):
    """An account that wants automatic payments, among others.

    Attributes:
        user: its id.
        state, stop, why, next_at: as in `GET /v1/accounts/{user}/auto-topup`.
        settled: what it wants.
        balance_usd: the balance that is compared.
        spent_month_usd: what such payments added in this calendar month.
        failures: attempts that failed since it was settled or paid last.
        last: its last attempt; null for none.
    """

    user: User
    state: AutoTopupWord
    stop: StopWord | None
    why: str
    next_at: Time | None
    settled: AutoTopupTerms | None
    balance_usd: Usd
    spent_month_usd: Usd
    failures: int
    last: AutoTopupAttempt | None


class StandingPage(Form):
    """Accounts that want automatic payments, in the order of their ids.

    Attributes:
        accounts: this page; with a state that is asked for it may be shorter than the limit.
        cursor: of the next page; null after the last.
    """

    accounts: list[StandingListed]
    cursor: str | None
