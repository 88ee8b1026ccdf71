"""What a customer agrees to when his card is saved, and whose card that is."""

from typing import NamedTuple


class ConsentTerms(NamedTuple):
    """What a customer agreed to on the page at which a card was saved; decimal text in dollars.

    Attributes:
        amount_usd: what one automatic payment credits.
        below_usd: the balance below which it is made.
        month_usd: most by such payments in a calendar month.
    """

    amount_usd: str
    below_usd: str
    month_usd: str


class CardOwner(NamedTuple):
    """Whose card paid, and may be charged again.

    Attributes:
        customer: the provider's name of the customer.
        method: the provider's name of the card.
    """

    customer: str
    method: str
