"""Times and amounts in answers: text in UTC, and decimals as text."""

from typing import Annotated, Any, Final

from pydantic import Field

from portal.api.request import Form
from wire_format.fields import KEY_ID_PATTERN, PROVIDER_PATTERN, USER_PATTERN

Usd = Annotated[
    str,
    Field(
        pattern=r"^-?[0-9]+\.[0-9]{2,9}$",
        description="Dollars, a decimal in text.",
        examples=["18.42"],
    ),
]
Time = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$",
        description="A time in UTC.",
        examples=["2026-11-28T13:00:00Z"],
    ),
]
User = Annotated[str, Field(pattern=f"^(?:{USER_PATTERN})$", description="The id of an account.")]
KeyId = Annotated[
    str,
    Field(
        pattern=f"^(?:{KEY_ID_PATTERN})$",
        description="The name of a key: the first digits of its hash.",
    ),
]
ChargeName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=400,
        description="The name of a charge, as lists of charges have it.",
        examples=["20261128T13-llm-bGxtL3Rva2Vucw"],
    ),
]
PeriodName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=40,
        description="A month, quarter, year or day, or two of these with `..` between them.",
        examples=["2026-11", "2026-Q4"],
    ),
]
ProviderName = Annotated[
    str,
    Field(pattern=f"^(?:{PROVIDER_PATTERN})$", description="The name of an account at a provider."),
]
CardName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_]{1,255}$", description="The provider's name of a card."),
]
PATH_PARTS: Final[dict[str, Any]] = {
    "user": User,
    "key_id": KeyId,
    "id": ChargeName,
    "period": PeriodName,
    "account": ProviderName,
    "method": CardName,
}
"""What the named parts of paths are."""


class NodeWaiting(Form):
    """A node of which more usage may follow.

    Attributes:
        node: its name for this account alone.
        why: it is silent, commits of it are not billed yet, or numbers are missing.
    """

    node: str
    why: list[str]


class Fresh(Form):
    """How fresh an answer about money is.

    Attributes:
        as_of: the newest commit billed of the nodes that this account used; null before any.
        waiting_for: the nodes of which more usage may follow.
        tests_count: whether money of test accounts is in it: such money is not real.
    """

    as_of: Time | None
    waiting_for: list[NodeWaiting]
    tests_count: bool
