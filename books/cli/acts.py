"""What the commands that change the books share: who acts and why, and what is said of a new line.

Also names in rule files, which are options and arguments.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from gitmeter.support.owner import default_operator

if TYPE_CHECKING:
    from wire_format.lines import Line

RULE_FILE_NAMES: Final = (
    *("prices.toml", "discounts.toml", "imported.toml"),
    *("writers.toml", "fx.toml", "plans.toml"),
)
WINDOWS: Final = ("hour", "day", "month", "cycle")

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def by_option(help_text: str = "Who does it; shown in audits.") -> _Decorator:
    """The option that says who acts."""
    return click.option(
        "--by",
        metavar="NAME",
        default=default_operator,
        show_default="your login name",
        help=help_text,
    )


entered_by_option: Final = by_option("Who enters it; the commit says so.")


def recorded_text(line: "Line", what: str, *, repeated: bool) -> str:
    """What is said once a line is recorded.

    Args:
        line: it, or the one that said the same already.
        what: it says, in words.
        repeated: whether nothing was recorded, since it was there.
    """
    at = f"{line.node} seq {line.seq}"
    if repeated:
        return f"{at} says that already: {what}; nothing was recorded"
    return f"{at}: {what}; next: `books push`"


def change_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every change of the rule book."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        click.option("--dry-run", is_flag=True, help="Show what would change; change nothing."),
        by_option(),
        click.option(
            "--reason",
            help="Why; shown in audits. Required for what changes the cost of hours in the past.",
        ),
    ):
        command = option(command)
    return command
