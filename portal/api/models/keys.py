"""Keys of an account."""

from typing import Annotated

from pydantic import Field

from portal.api.models.fields import Time
from portal.api.request import Form
from wire_format.fields import INT_MAX, KEY_SCOPE_PATTERN, SCOPE_MAX

Scope = Annotated[
    str,
    Field(pattern=f"^(?:{KEY_SCOPE_PATTERN})$", description="What a key opens."),
]


class AccountKey(Form):
    """A key that is in force, without its secret.

    Attributes:
        key_id: its name.
        scopes: what it opens.
        rpm: most requests in a minute; null where it states none.
        until: when it ends; null for never.
        made_at: when it was made.
    """

    key_id: str
    scopes: list[str]
    rpm: int | None
    until: Time | None
    made_at: Time


class KeyList(Form):
    """The keys of the account that are in force.

    Attributes:
        keys: by their names.
        most: how many there may be.
    """

    keys: list[AccountKey]
    most: int


class KeyWanted(Form):
    """What a key is to open.

    Attributes:
        scopes: each one that the asking key has, too.
        rpm: most requests in a minute.
        until: when it ends, a full hour.
    """

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=SCOPE_MAX)]
    rpm: Annotated[int, Field(ge=1, le=INT_MAX)] | None = None
    until: Time | None = None


class KeyMade(AccountKey):
    """A key that was made.

    Attributes:
        key: its secret: shown now, and never again.
    """

    key: str
