"""A payment that begins."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.fields import Time, Usd
from portal.api.request import Form

ReturnUrl = Annotated[str, Field(min_length=1, max_length=2000)]
UsdPaid = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class TopUpWanted(Form):
    """How much credit is to be paid for.

    Attributes:
        usd: the credit, in dollars.
        currency: in which it is paid.
        method: a page of the provider, or a prompt on a telephone.
        phone: for a prompt, in digits with the country's code.
        success_url: where the customer goes after paying.
        cancel_url: where the customer goes who does not want to pay.
    """

    usd: UsdPaid
    currency: CurrencyCode = "USD"
    method: Literal["page", "prompt"] = "page"
    phone: Annotated[str, Field(max_length=32)] | None = None
    success_url: ReturnUrl
    cancel_url: ReturnUrl


class TopUp(Form):
    """A payment that may be made now.

    Attributes:
        url: the page to send the customer to; null for a prompt.
        attempt: names it.
        expires_at: from then on it is not open any more.
        usd: the credit that it promises.
        amount: what is to be paid.
        currency: of `amount`.
    """

    url: str | None
    attempt: str
    expires_at: Time
    usd: Usd
    amount: str
    currency: str
