"""Importing late: groups of commands, each when it runs, completes or shows its help."""

import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class LazyCommand(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        place: where it is defined: `module:name`.
        summary: the first sentence of its help, for the help of its group.
    """

    place: str
    summary: str


class LazyGroup(click.Group):
    """A group that imports its commands one by one.

    Args:
        commands: the commands, by the name that a person types.
        settings: the other arguments of `click.Group`.
    """

    def __init__(self, *, commands: Mapping[str, LazyCommand], **settings: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(**settings)
        self.commands = _Commands(commands)
        self._summaries = click.Group(
            commands=[click.Command(name, help=lazy.summary) for name, lazy in commands.items()]
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        self._summaries.format_commands(ctx, formatter)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete the names of commands without importing them."""
        from click.shell_completion import CompletionItem

        named = [
            CompletionItem(name, help=command.get_short_help_str())
            for name, command in sorted(self._summaries.commands.items())
            if name.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)


class _Commands(MutableMapping[str, click.Command]):
    """The table of a group; looking a command up imports it."""

    def __init__(self, commands: Mapping[str, LazyCommand]) -> None:
        self._commands: dict[str, LazyCommand | click.Command] = {**commands}

    def __getitem__(self, name: str) -> click.Command:
        found = self._commands[name]
        if isinstance(found, LazyCommand):
            module, _, attribute = found.place.partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            self._commands[name] = found = command
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


@contextmanager
def hidden(module: str) -> Iterator[None]:
    """Let imports of a module fail within the block, unless it is loaded already.

    For libraries that load another one wherever it is installed, and do without it elsewhere.
    """
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # which is how Python marks it
    try:
        yield
    finally:
        del sys.modules[module]
