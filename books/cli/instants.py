"""Instants on the command line."""

from datetime import datetime

import click


class InstantType(click.ParamType[datetime]):
    """An instant in UTC: `2026-07-01`, `2026-07-01T06` or `2026-07-01T06:00:00Z`.

    Args:
        hours_only: refuse what is not the start of a clock hour.
    """

    name = "time"

    def __init__(self, *, hours_only: bool = False) -> None:
        self._hours_only = hours_only

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> datetime:
        """Read an instant from the command line."""
        from wire_format.instants import InvalidInstantError, parse_short_ts

        if isinstance(value, datetime):
            return value
        try:
            found = parse_short_ts(str(value))
        except InvalidInstantError:
            self.fail(f"{value!r} is not like 2026-07-01 or 2026-07-01T06:00:00Z", param, ctx)
        if self._hours_only and (found.minute or found.second or found.microsecond):
            self.fail(f"{value!r} is not the start of a clock hour", param, ctx)
        return found
