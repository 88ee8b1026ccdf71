"""Why a request was refused, as it is sent."""

from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from portal.api.models.fields import Time, Usd
from portal.api.request import Form


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


_SOMETIMES: Final[Any] = Field(default=None, json_schema_extra=_without_default)
"""Of a member that only some problems have."""


class Problem(Form):
    """A refusal, as RFC 9457 states problems. Later versions may add members.

    Attributes:
        type: the kind; programs decide by it.
        title: the kind in words.
        status: of HTTP, again.
        detail: what is wrong, in a sentence for a person.
        faults: each fault of what was sent, if it was `invalid`.
        scope: what the key would have to open, if it is `forbidden`.
        as_of: how far usage was billed, where an account may not use a resource.
        top_up_url: where credit is added.
        balance_usd: what is left, if the key may read it.
        cap_usd: the most that may be billed in a cycle, if the key may read it.
    """

    model_config = ConfigDict(extra="allow", json_schema_serialization_defaults_required=False)

    type: Annotated[str, Field(pattern="^urn:gitmeter:problem:[a-z-]+$")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    faults: list[str] = _SOMETIMES
    scope: str = _SOMETIMES
    as_of: Time | None = _SOMETIMES
    top_up_url: str = _SOMETIMES
    balance_usd: Usd = _SOMETIMES
    cap_usd: Usd | None = _SOMETIMES
