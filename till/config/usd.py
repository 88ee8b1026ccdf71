"""Amounts of dollars in a configuration."""

from wire_format.money import InvalidAmountError, parse_nano


def positive(text: str) -> str:
    """Check an amount in dollars: decimals in quotes, above zero."""
    try:
        amount_nano = parse_nano(text)
    except InvalidAmountError as error:
        raise ValueError(str(error)) from None
    if amount_nano <= 0:
        raise ValueError("must be above zero")
    return text
