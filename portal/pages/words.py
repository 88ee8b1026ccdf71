"""What answers say, in the words of people. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from portal.api.activity.forms import ActedBy, SettledAct
from portal.api.automatic.forms import (
    AttemptState,
    AutoTopupAttempt,
    AutoTopupStanding,
    AutoTopupTerms,
    AutoTopupWord,
    StopWord,
)
from wire_format.instants import DAY_HOURS, parse_ts
from wire_format.money import format_cents, parse_nano

_KINDS: Final[Mapping[str, str]] = {
    "payment": "Payment",
    "refund": "Money given back",
    "refund_reversal": "Money given back, taken back",
    "dispute": "Payment disputed at the bank",
    "dispute_reversal": "Dispute settled for us",
    "grant": "Credit given",
    "adjustment": "Correction",
    "plan_fee": "Fee of the plan",
    "pending": "Payment begun",
    "ended": "Payment given up",
    "void": "Credit ended early",
    "open": "Account opened",
    "suspend": "Account suspended",
    "reopen": "Account reopened",
    "plan": "Plan",
    "setting": "Setting",
    "consent": "Consent to payments",
    "key": "Key made",
    "revoke": "Key revoked",
    "staff": "Staff named",
}
_STATES: Final[Mapping[str, str]] = {
    "rated": "billed",
    "unpriced": "not billed: it has no price yet",
    "category_mismatch": "not billed: the price list does not fit yet",
    "overflow": "not billed: too large",
}
_SETTINGS: Final[Mapping[str, str]] = {
    "cap_usd": "most that is billed in a period, in USD",
    "next_plan": "plan of the next period",
    "auto_topup_usd": "automatic payments of USD",
    "auto_topup_below_usd": "automatic payments below USD",
    "auto_topup_month_usd": "automatic payments in a month, USD",
}
_ACTORS: Final[Mapping[ActedBy, str]] = {"staff": "our staff", "operator": "us"}
_WAITING: Final[Mapping[str, str]] = {
    "silent": "has not been heard of for a while",
    "commits behind": "has sent something that is not counted yet",
    "gaps": "has sent something of which a part is missing",
}

STOPS: Final[Mapping[StopWord | None, str]] = {
    None: "There is less left than that, so a payment is made soon.",
    "off": "",
    "no_consent": "You have not agreed to it at the payment provider yet.",
    "beyond_consent": "It is more than you agreed to at the payment provider: agree to it, or set"
    " it lower.",
    "suspended": "This account is suspended, so nothing is charged.",
    "failed_too_often": "Three payments in a row failed. See that your card can pay, then choose"
    " Change it: saving it again switches it on again.",
    "payment_in_question": "We have to look at one of your payments first; until then nothing is"
    " charged.",
    "money_taken_back": "A payment was given back or disputed since you agreed. To go on, agree"
    " once more.",
    "attempt_open": "A payment is being made.",
    "within_24_hours": "The last payment was tried less than 24 hours ago.",
    "limit_of_the_month": "Another payment would go beyond your limit, so nothing is charged before"
    " next month.",
    "enough": "There is enough left, so nothing is charged now.",
}
"""Why no card is charged now, and what to do about it."""

_TOPUPS: Final[Mapping[AutoTopupWord, str]] = {
    "off": "Automatic payments are off. You chose:",
    "on": "Automatic payments are on:",
    "needs_consent": "Automatic payments are not on: nothing is charged before you agree at the"
    " payment provider. You chose:",
    "stopped": "Automatic payments are stopped: nothing is charged now. You chose:",
}
_ATTEMPTS: Final[Mapping[AttemptState, str]] = {
    "open": "being made",
    "confirm": "your bank wants you to confirm it",
    "paid": "paid",
    "failed": "failed",
    "not_tried": "not tried: your card was not asked",
}
_LIMIT: Final = "the card has a limit, which was reached"
_NO_GOOD: Final = "the card is no longer good"
_NOT_SAVED: Final = "the card is not saved any more"
_NOT_REACHED: Final = "the bank could not be reached"
_NOT_FOR_THIS: Final = "the card cannot be used for this"
_DECLINES: Final[Mapping[str, str]] = {
    "authentication_required": "your bank wanted you to confirm it, and nobody did in three days",
    "canceled": "it was given up before anything was charged",
    "card_not_supported": _NOT_FOR_THIS,
    "card_velocity_exceeded": _LIMIT,
    "currency_not_supported": _NOT_FOR_THIS,
    "expired_card": _NO_GOOD,
    "insufficient_funds": "there was not enough money",
    "invalid_account": _NO_GOOD,
    "issuer_not_available": _NOT_REACHED,
    "payment_intent_authentication_failure": "it was not confirmed to your bank",
    "processing_error": _NOT_REACHED,
    "resource_missing": _NOT_SAVED,
    "revocation_of_all_authorizations": "you told your bank to pay it no more",
    "revocation_of_authorization": "you told your bank to pay it no more",
    "stop_payment_order": "you told your bank to pay it no more",
    "transaction_not_allowed": _NOT_FOR_THIS,
    "withdrawal_count_limit_exceeded": _LIMIT,
}
"""The provider's words for why a card gave nothing; of others that alone is said."""


def topup(found: AutoTopupStanding) -> str:
    """What is on of automatic payments, in a sentence."""
    if found.settled is None:
        return "Automatic payments are off: your card is never charged without you."
    return f"{_TOPUPS[found.state]} {chosen(found.settled)}"


def chosen(found: AutoTopupTerms) -> str:
    """When a card is charged, how much, and how often."""
    when = f"when less than {found.below_usd} USD is left"
    much = f"{found.amount_usd} USD, at most once in 24 hours"
    month = f"at most {found.month_usd} USD in a calendar month"
    return f"{when}, your card is charged {much} and {month}."


def why_not(found: AutoTopupStanding) -> str:
    """Why nothing is charged now, or that something is."""
    if found.stop == "attempt_open" and any(each.state == "confirm" for each in found.attempts):
        return "A payment waits for you to confirm it to your bank; nothing else is charged now."
    if found.next_at is None:
        return STOPS[found.stop]
    return f"{STOPS[found.stop]} The next one is made on {at(found.next_at)} at the earliest."


def attempt(found: AutoTopupAttempt) -> str:
    """What became of an automatic payment."""
    said = _ATTEMPTS[found.state]
    if found.reason == "paid otherwise":
        return "given up: you paid by yourself before your bank had your answer"
    if found.state != "failed":
        return said
    return f"{said}: {_DECLINES.get(found.reason or '', 'the bank refused it')}"


def act(settled: SettledAct) -> str:
    """What somebody settled."""
    told = {
        "key": f"Key {settled.key_id} was made",
        "revoke": f"Key {settled.key_id} was revoked",
        "plan": f"Plan {settled.plan} was bought or renewed",
        "suspend": "The account was suspended",
        "reopen": "The account was opened again",
        "open": "The account was opened",
        "grant": f"Credit of {settled.amount_usd} USD was given",
        "adjustment": f"The balance was corrected by {settled.amount_usd} USD",
        "consent": "Automatic payments were agreed to",
    }
    stated = (f"{_SETTINGS.get(name, name)}: {value}" for name, value in settled.settings.items())
    return told.get(settled.kind) or f"Settings: {', '.join(stated)}"


def actor(settled: SettledAct) -> str:
    """Who settled it."""
    if settled.kind == "consent":
        return "you, at the payment provider"
    if settled.by != "account":
        return _ACTORS[settled.by]
    return f"this account ({settled.key})" if settled.key else "this account"


def at(text: str) -> str:
    """A time of UTC as people read it: `28 Nov 2026, 13:00`."""
    found = parse_ts(text)
    return f"{found.day} {found:%b %Y, %H:%M}"


def day(text: str) -> str:
    """A day as people read it, of a time or of a day: `28 Nov 2026`."""
    found = parse_ts(text if "T" in text else f"{text}T00:00:00Z")
    return f"{found.day} {found:%b %Y}"


def units(number: int | str | None) -> str:
    """A number with its thousands apart."""
    return f"{number:,}" if isinstance(number, int) else number or ""


def cents(amount_usd: str) -> str:
    """An amount that need not be exact, rounded to cents."""
    return format_cents(parse_nano(amount_usd))


def short(commit: str) -> str:
    """The beginning of a long id, as people tell it."""
    return commit[:12]


def credit(name: str) -> str:
    """What credit with terms is called: that of a plan by the plan, other by its own name."""
    origin, _, own = name.partition(":")
    return f"credit of the plan {own.partition('@')[0]}" if origin == "plan" else own or origin


def kind(name: str) -> str:
    """What a line about money or an account states."""
    return _KINDS.get(name, name)


def state(name: str) -> str:
    """Whether a charge is billed."""
    return _STATES.get(name, name)


def waiting(why: str) -> str:
    """Why more may follow from a machine."""
    return _WAITING.get(why, why)


def cycle(hours: int) -> str:
    """How long a period of a plan is."""
    if hours % DAY_HOURS:
        return f"{hours} hours"
    days = hours // DAY_HOURS
    return "a day" if days == 1 else f"{days} days"


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    each.__name__: each
    for each in (
        *(act, actor, at, attempt, cents, credit, cycle, day, kind, short, state, topup, units),
        *(chosen, waiting, why_not),
    )
}
"""What templates call them."""
