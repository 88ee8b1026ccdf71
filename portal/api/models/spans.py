"""Stretches of time that are asked for, in full hours of UTC, and pages of long answers."""

from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from portal.api.request import Form
from wire_format.instants import hour_of, hour_start, parse_short_ts

CURSOR_MAX: Final = 1000


def _hour(text: object) -> int:
    if not isinstance(text, str):
        raise ValueError("must be a full hour in UTC such as 2026-11-28T13:00:00Z, or a day")  # noqa: TRY004 - pydantic tells this one
    at = parse_short_ts(text)
    if at != hour_start(hour_of(at)):
        raise ValueError("must be a full hour, because charges are kept by hour")
    return hour_of(at)


FullHour = Annotated[
    int,
    BeforeValidator(_hour),
    WithJsonSchema({"type": "string", "examples": ["2026-11-28", "2026-11-28T13:00:00Z"]}),
]


class HoursWanted(Form):
    """A stretch of time.

    Attributes:
        from_: its first hour.
        until: the hour or day before which it ends, in UTC.
    """

    from_: Annotated[
        FullHour | None,
        Field(validation_alias="from", description="The first hour or day, in UTC."),
    ] = None
    until: FullHour | None = None

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            raise ValueError("until: must be later than from")
        return self


class PageWanted(HoursWanted):
    """A page of a long answer.

    Attributes:
        limit: most rows.
        cursor: `next` of the page before, as it is; absent for the first one.
    """

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[str | None, Field(max_length=CURSOR_MAX)] = None
