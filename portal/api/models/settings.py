"""Settings of an account."""

from typing import Annotated

from pydantic import Field

from portal.api.automatic.forms import AutoTopupInShort
from portal.api.models.fields import Usd
from portal.api.request import Form
from wire_format.fields import NAME_PATTERN, USD_PATTERN

_UsdWanted = Annotated[
    str | None,
    Field(pattern=f"^(?:{USD_PATTERN})$", examples=["50.00"]),
]


class AccountSettings(Form):
    """What the account has settled; null for what it has not.

    Attributes:
        cap_usd: the most that may be billed in a cycle.
        next_plan: the plan of the next period, `none` for none; null for the same again.
        auto_topup_usd: how much an automatic payment is.
        auto_topup_below_usd: the balance below which it is made.
        auto_topup_month_usd: the most by such payments in a month.
        auto_topup: what becomes of these three.
    """

    cap_usd: Usd | None
    next_plan: str | None
    auto_topup_usd: Usd | None
    auto_topup_below_usd: Usd | None
    auto_topup_month_usd: Usd | None
    auto_topup: AutoTopupInShort


class SettingsWanted(Form):
    """What is to be settled; what is null or absent stays as it is.

    Attributes:
        cap_usd: the most that may be billed in a cycle.
        next_plan: the plan of the next period, `none` for none.
        auto_topup_usd: how much an automatic payment is; it goes with the other two, or is `0`
            alone, which switches them off.
        auto_topup_below_usd: the balance below which a payment is made.
        auto_topup_month_usd: the most by such payments in a month.
    """

    cap_usd: _UsdWanted = None
    next_plan: Annotated[str | None, Field(pattern=f"^(?:{NAME_PATTERN})$")] = None
    auto_topup_usd: _UsdWanted = None
    auto_topup_below_usd: _UsdWanted = None
    auto_topup_month_usd: _UsdWanted = None
