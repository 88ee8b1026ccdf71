"""Times and amounts in answers: text in UTC, and decimals as text."""

from typing import Annotated

from pydantic import Field

from portal.api.request import Form

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
User = Annotated[str, Field(min_length=1, max_length=256, description="The id of an account.")]
AsOf = Annotated[
    Time | None,
    Field(
        description="The newest commit billed of the nodes that this account used; null before any."
    ),
]


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
        as_of: the newest commit billed of the nodes that this account used.
        waiting_for: the nodes of which more usage may follow.
        tests_count: whether money of test accounts is in it: such money is not real.
    """

    as_of: AsOf
    waiting_for: list[NodeWaiting]
    tests_count: bool = Field(description="Whether money of test accounts counts here.")
