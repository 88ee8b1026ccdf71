"""What answers say, in the words of people. Pure."""

from collections.abc import Callable, Mapping
from typing import Final

from portal.api.activity.forms import ActedBy, SettledAct
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
    for each in (act, actor, at, cents, day, units, short, credit, kind, state, waiting, cycle)
}
"""What templates call them."""
