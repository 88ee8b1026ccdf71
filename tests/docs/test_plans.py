"""docs/plans.md: its rule files can be used, and its commands are commands."""

import re
import shlex
from typing import Final

import click
import pytest

from books.bulk.rows import read_rows
from books.cli.program import cli
from docs.generate import DOCS
from wire_format.rule_files.plans_file import parse_plans

TEXT: Final = (DOCS / "plans.md").read_text()
FILES: Final = re.findall(r"^```toml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
ROWS: Final = re.findall(r"^```csv\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS: Final = re.findall(r"^(?:aggregator .*\| )?books (.+)$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("text", FILES)
def test_each_file_of_plans_can_be_used(text: str) -> None:
    assert parse_plans(text.encode()).versions


@pytest.mark.parametrize("command", [each for each in COMMANDS if not each.startswith("seq ")])
def test_each_command_has_the_options_that_it_is_given(command: str) -> None:
    words = shlex.split(command)
    found: click.Command = cli
    context = click.Context(found, **found.context_settings)  # as the program makes it
    while isinstance(found, click.Group):
        name, found, words = found.resolve_command(context, words)  # type: ignore[assignment] # of a name that is there
        context = click.Context(found, info_name=name, parent=context)
    found.make_context(context.info_name, words, parent=context.parent)


def test_the_rows_state_what_they_mean() -> None:
    (text,) = ROWS
    rows = list(read_rows(text.encode(), "grant", None, {"by": "ada"}).rows)
    assert [row.fault for row in rows] == ["", ""]
    assert len(COMMANDS) > 15
    assert len(FILES) == 2
