"""A line of the books as JSON."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wire_format.lines import Line


def line_json(line: "Line") -> dict[str, Any]:
    """Every field of a line's version but the version itself; null where it has no value."""
    from wire_format.instants import format_ts
    from wire_format.versions.forms import form_of

    values = {field.name: getattr(line, field.attribute) for field in form_of(line)}
    return {
        name: format_ts(value) if isinstance(value, datetime) else None if value == "" else value
        for name, value in values.items()
        if name != "v"
    }
