"""What services ask before each job."""

from typing import Annotated, Literal

from pydantic import Field

from portal.api.models.account import Count
from portal.api.models.fields import Time, User
from portal.api.request import Form
from wire_format.fields import RESOURCE_PATTERN


class UseWanted(Form):
    """What is about to be used.

    Attributes:
        resource: what is about to be used, as in lines of usage.
    """

    resource: Annotated[
        str,
        Field(
            pattern=f"^(?:{RESOURCE_PATTERN})$",
            examples=["llm/code/output_tokens"],
        ),
    ]


class UseAllowed(Form):
    """The account may use the resource.

    Attributes:
        allowed: true.
        user: the account.
        resource: what it may use.
        units_left: units that its plan includes and that are left; null where it includes none.
        as_of: how far its usage was billed.
    """

    allowed: Literal[True]
    user: User
    resource: str
    units_left: Count | None
    as_of: Time | None
