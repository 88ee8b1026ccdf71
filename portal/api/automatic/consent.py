"""Agreeing to automatic payments: at the provider, with a payment at which a card is saved."""

from gitmeter.money.topups.settled import settled
from portal.api.automatic.forms import ConsentWanted
from portal.api.customers.account import settled_here
from portal.api.customers.topups import begin
from portal.api.models.topups import TopUp
from portal.api.problems import conflict
from portal.api.request import Asked
from portal.reading.ledgers import one_state


def consent(asked: Asked) -> TopUp:
    """Begin a payment at which the customer agrees to what is settled about automatic payments.

    The provider's page states amount, threshold and the month's limit, as they are settled now, and
    saves the card. They hold once it was paid; nothing that is settled later goes beyond them.
    """
    wanted: ConsentWanted = asked.body
    with one_state(asked.store):
        found = settled(settled_here(asked).settings)
    if found is None:
        raise conflict("auto-topup-off", "automatic payments are off: settle them first")
    amount_usd, below_usd, month_usd = found.texts
    return begin(
        asked,
        {
            "usd": wanted.usd or amount_usd,
            "currency": wanted.currency,
            "success_url": wanted.success_url,
            "cancel_url": wanted.cancel_url,
            "save_card": {
                "amount_usd": amount_usd,
                "below_usd": below_usd,
                "month_usd": month_usd,
            },
        },
    )
