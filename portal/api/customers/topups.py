"""Beginning a payment: the till of this machine offers it, and this hands over."""

from collections.abc import Mapping

import msgspec
import structlog

from portal.api.automatic.till import leads_to_a_page, not_begun, tell_till
from portal.api.models.topups import TopUp, TopUpWanted
from portal.api.request import Asked
from wire_format.money import format_usd, parse_nano

_log = structlog.get_logger()


class _OfferOfTill(msgspec.Struct, frozen=True):
    """As `till.checkout.offer` has it."""

    url: str | None
    attempt: str
    expires_at: str
    usd: str
    amount: str
    currency: str


def top_up(asked: Asked) -> TopUp:
    """Begin a payment: a page to send the customer to, or a prompt on a telephone.

    The credit is promised; it is in the balance once the provider says that it was paid. Limits are
    the till's: few open payments, little in the first week.
    """
    wanted: TopUpWanted = asked.body
    stated = {name: value for name, value in dict(wanted).items() if value is not None}
    return begin(asked, stated)


def begin(asked: Asked, stated: Mapping[str, object]) -> TopUp:
    """Begin a payment for the account that asks.

    Args:
        asked: the request.
        stated: what the till is sent beside the account.

    Raises:
        ProblemError: the till refuses, or cannot be asked.
    """
    order = {**stated, "user": asked.holder.user}
    found = tell_till(asked.portal, "/checkout", order, _OfferOfTill)
    if found.url is not None and not leads_to_a_page(found.url):
        _log.warning("the till gave no address of the web")
        raise not_begun()
    return TopUp(
        url=found.url,
        attempt=found.attempt,
        expires_at=found.expires_at,
        usd=format_usd(parse_nano(found.usd)),
        amount=found.amount,
        currency=found.currency,
    )
