"""Groups that import their commands late show and complete what click's own would."""

import subprocess
import sys
from typing import Final

import click
import pytest

from aggregator.cli.program import cli as aggregator
from books.cli.program import cli as books
from gitmeter.support.lazy_group import LazyCommand, LazyGroup
from node_pusher.cli.program import cli as node_pusher

PROGRAMS: Final[dict[str, click.Group]] = {
    "aggregator": aggregator,
    "books": books,
    "node-pusher": node_pusher,
}
each_program = pytest.mark.parametrize("name", PROGRAMS)

HELPED: Final = """
import sys
from {package}.cli.program import cli
try:
    cli.main({arguments}, prog_name="{name}")
except SystemExit:
    pass
print(*sorted(set(sys.modules) & {modules}))
"""


def eager(name: str) -> tuple[click.Group, LazyGroup]:
    """A group of click's own with the real commands, and the lazy one."""
    lazy = PROGRAMS[name]
    assert isinstance(lazy, LazyGroup)
    return click.Group(name, commands=dict(lazy.commands)), lazy


def context_of(group: click.Group) -> click.Context:
    """With the help options of the programs: click keeps those of a command's first context."""
    return click.Context(group, help_option_names=["-h", "--help"])


@each_program
@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_help_lists_commands_as_click_does(name: str, width: int) -> None:
    """So every summary in the table is the first sentence of its command's own help."""
    shown = []
    for group in eager(name):
        context = click.Context(group, terminal_width=width, max_content_width=width)
        formatter = context.make_formatter()
        group.format_commands(context, formatter)
        shown.append(formatter.getvalue())
    assert shown[0] == shown[1]


@each_program
@pytest.mark.parametrize("incomplete", ["", "r", "--"])
def test_names_complete_as_click_completes_them(name: str, incomplete: str) -> None:
    own, lazy = eager(name)
    own.params = lazy.params
    completed = [
        [(item.value, item.help) for item in group.shell_complete(context_of(group), incomplete)]
        for group in (own, lazy)
    ]
    assert completed[0] == completed[1]
    assert completed[1]


@each_program
def test_a_command_has_the_name_that_the_table_gives_it(name: str) -> None:
    commands = PROGRAMS[name].commands
    assert {name: command.name for name, command in commands.items()} == {n: n for n in commands}


@each_program
def test_help_imports_no_command(name: str) -> None:
    modules = {
        command.callback.__module__
        for command in PROGRAMS[name].commands.values()
        if command.callback is not None
    }
    source = HELPED.format(
        package=name.replace("-", "_"), arguments=["--help"], name=name, modules=modules
    )
    ran = subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == ""


def test_a_name_that_is_mistyped_is_answered_with_one_that_exists() -> None:
    group = LazyGroup(commands={"balance": LazyCommand("nowhere:balance", "Show.")})
    with pytest.raises(click.UsageError) as raised:
        group.main(["balanc"], prog_name="small", standalone_mode=False)
    assert "Did you mean 'balance'" in raised.value.format_message()
