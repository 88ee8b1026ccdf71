"""Which fields the lines of version 2 have, by their kind.

`v`, `node`, `seq`, `ts` and `kind` are in every line and are not listed here.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from wire_format.lines import Account, Decision, Money

_OF_EVERY_KIND: Final = ("v", "node", "seq", "ts", "kind")


class Checks(NamedTuple):
    """What the kind of a line says of its fields, by the names and in the order of its attributes.

    Attributes:
        required: every line of the kind has them.
        optional: a line of the kind may have them.
        refused: no line of the kind has them.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    refused: tuple[str, ...]


def _checks(struct: type[Struct], required: str, optional: str) -> Checks:
    needed, allowed = required.split(), optional.split()
    names = [name for name in struct.__struct_fields__ if name not in _OF_EVERY_KIND]
    return Checks(
        tuple(name for name in names if name in needed),
        tuple(name for name in names if name in allowed),
        tuple(name for name in names if name not in [*needed, *allowed]),
    )


_WHY: Final = "by reason"
_MONEY_BACK: Final = ("user provider external_ref of_ref amount currency status", _WHY)
_MONEY: Final = {
    "payment": (
        "provider external_ref amount currency status",
        f"user credited_usd attempt {_WHY}",
    ),
    "refund": _MONEY_BACK,
    "dispute": _MONEY_BACK,
    "refund_reversal": _MONEY_BACK,
    "dispute_reversal": _MONEY_BACK,
    "pending": ("user provider attempt amount currency", "credited_usd"),
    "ended": ("user provider attempt reason", ""),
    "grant": (
        "user provider external_ref amount currency status category priority from_",
        f"of_provider of_ref until scope {_WHY}",
    ),
    "void": ("of_provider of_ref from_ reason", "user by"),
    "adjustment": ("user provider amount currency status reason", "external_ref by"),
}
SETTINGS: Final = (
    *("cap_usd", "next_plan"),
    *("auto_topup_usd", "auto_topup_below_usd", "auto_topup_month_usd"),
)
"""What a `setting` may state; it states at least one of them."""
_ACCOUNTS: Final = {
    "open": ("user", _WHY),
    "suspend": ("user", _WHY),
    "reopen": ("user", _WHY),
    "plan": ("user plan from_", f"instead_of until fee_usd {_WHY}"),
    "setting": ("user", f"{' '.join(SETTINGS)} {_WHY}"),
    "consent": ("user amount_usd", f"below_usd month_usd of_provider of_ref {_WHY}"),
    "key": ("user key_id sha256 scopes", f"rpm until {_WHY}"),
    "revoke": ("user key_id", _WHY),
    "staff": ("identity role", f"user limit_usd {_WHY}"),
}
_DECISIONS: Final = {
    "seen": ("tip of by reason", ""),
    "only": ("tip of by reason", ""),
    "reconciled": ("tip of from_seq to_seq by reason", ""),
}

MONEY: Final[Mapping[str, Checks]] = {k: _checks(Money, *f) for k, f in _MONEY.items()}
ACCOUNTS: Final[Mapping[str, Checks]] = {k: _checks(Account, *f) for k, f in _ACCOUNTS.items()}
DECISIONS: Final[Mapping[str, Checks]] = {k: _checks(Decision, *f) for k, f in _DECISIONS.items()}
