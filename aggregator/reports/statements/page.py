"""A statement as one HTML page, to be read on a telephone and printed on A4 or Letter.

Nothing is loaded from anywhere, and nothing in it runs. Every text is escaped by the template.
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from aggregator.reports.basis import Answer
from aggregator.reports.statements.totals import totals
from aggregator.reports.statements.usage import by_parts
from wire_format.money import format_cents


def statement_page(found: Answer) -> str:
    """Return a statement as HTML."""
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    templates.filters["cents"] = format_cents
    return templates.get_template("statement.html").render(
        {**found, "totals": totals(found), "by_parts": by_parts(found["usage"])}
    )
