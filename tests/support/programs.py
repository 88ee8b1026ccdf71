"""The programs as a person runs them, in this process: arguments in, output and exit code out."""

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import click
import pytest

from gitmeter.support.entry import run

_PIPE_BYTES = 65536
"""What a pipe takes before somebody reads it."""


class Said(NamedTuple):
    """How a run ended.

    Attributes:
        code: exit code.
        out: standard output.
        err: standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever JSON can say
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)

    def ok(self) -> Self:
        """This, when the program ended well."""
        assert self.code == 0, self
        return self


def run_aggregator(*arguments: str, stdin: str = "") -> Said:
    """Run `aggregator`."""
    from aggregator.cli.program import cli

    return _run(cli, "aggregator", arguments, stdin)


def run_books(*arguments: str, stdin: str = "") -> Said:
    """Run `books`."""
    from books.cli.program import cli

    return _run(cli, "books", arguments, stdin)


def run_node_pusher(*arguments: str, stdin: str = "") -> Said:
    """Run `node-pusher`."""
    from node_pusher.cli.program import cli

    return _run(cli, "node-pusher", arguments, stdin)


def run_till(*arguments: str) -> Said:
    """Run `till`."""
    from till.cli.program import cli

    return _run(cli, "till", arguments)


def run_program(cli: click.Command, name: str, *arguments: str) -> Said:
    """Run a program that is not one of these, under a name."""
    return _run(cli, name, arguments)


class NodePusher:
    """`node-pusher` on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, stdin: str = "") -> Said:
        """Run it, whatever comes of it."""
        return run_node_pusher("--home", str(self.home), *arguments, stdin=stdin)

    def json(self, *arguments: str, stdin: str = "") -> Any:  # noqa: ANN401 - whatever JSON can say
        """What it prints with `--json`, which must end well."""
        return self(*arguments, "--json", stdin=stdin).ok().json


def _run(cli: click.Command, name: str, arguments: tuple[str, ...], stdin: str = "") -> Said:
    written = (io.BytesIO(), io.BytesIO())
    out, err = (io.TextIOWrapper(each, encoding="utf-8") for each in written)
    with (
        _signals(),
        _stdin(stdin) as given,
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", [name, *arguments])
        patch.setattr(sys, "stdin", given)
        with pytest.raises(SystemExit) as exited:
            run(cli, name)
    out.flush()
    err.flush()
    code = exited.value.code
    assert isinstance(code, int)
    return Said(code, *(each.getvalue().decode() for each in written))


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Take back what a program set up for signals: its process would have ended here."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _stdin(text: str) -> Iterator[io.TextIOWrapper]:
    """A pipe that holds this text: the programs wait for the descriptor of their input."""
    data = text.encode()
    assert len(data) <= _PIPE_BYTES
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(data)
    with os.fdopen(reader, encoding="utf-8") as given:
        yield given
