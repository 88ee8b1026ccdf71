"""What a customer agrees to when his card is saved, and whose card that is."""

from typing import Final, NamedTuple

_WORDS: Final = (
    "With this payment your card is saved. When your balance is below {below} USD, the card is"
    " charged for {amount} USD of credit, without asking you again: at most once in 24 hours, and"
    " for at most {month} USD in a calendar month (UTC). You can switch this off, and remove the"
    " card, at any time in the place that you came from."
)
"""Beside the button that pays; a provider may take no more than 1200 characters."""


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


def consent_words(terms: ConsentTerms) -> str:
    """What a page says on which a customer agrees to automatic payments."""
    return _WORDS.format(amount=terms.amount_usd, below=terms.below_usd, month=terms.month_usd)
