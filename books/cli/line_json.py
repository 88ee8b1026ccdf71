"""A line of the books as JSON."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wire_format.lines import Line


def line_json(line: "Line") -> dict[str, Any]:
    """Every field of a line but the version of the format; null where it has no value."""
    import msgspec

    from wire_format.instants import format_ts

    return {
        name: format_ts(value) if isinstance(value, datetime) else value
        for name, value in msgspec.structs.asdict(line).items()
        if name != "v"
    }
