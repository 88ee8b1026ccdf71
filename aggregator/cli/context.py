"""What every command is given: configuration, state, database, and how to print."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.config import Config, load_config
from aggregator.database.connection import (
    SchemaVersionError,
    open_for_reading,
    open_for_writing,
)
from aggregator.ledger import Ledger
from aggregator.logs import configure_logs
from aggregator.progress import commits_progress
from aggregator.rebuild import rebuild, swap
from aggregator.state import State
from wire_format.instants import InvalidInstantError, hour_of, parse_ts
from wire_format.money import NANO


def now() -> datetime:
    """The clock of the program; everything below is told the time."""
    return datetime.now(UTC)


class Context:
    """The options of the program and what they lead to.

    Args:
        config_path: the configuration file.
        state: the state directory from the command line, or None.
        verbose: log more.
    """

    def __init__(self, config_path: Path, state: Path | None, *, verbose: bool) -> None:
        self.config_path = config_path
        self._state = state
        configure_logs(verbose=verbose)

    def config(self) -> Config:
        """The configuration, read when it is needed."""
        return load_config(self.config_path, state=self._state)

    def state(self) -> State:
        """The state directory."""
        return State(self.config())

    def reading(self) -> sqlite3.Connection:
        """The database, for questions."""
        return open_for_reading(self.config().database_path)

    @contextmanager
    def writing(self) -> Iterator[tuple[State, Ledger]]:
        """The state, locked, and the ledger, made again from git first if it must be."""
        state = self.state()
        with state.locked():
            connection = open_or_rebuild(state)
            try:
                yield state, Ledger(connection, state.config.charge_cost_max_usd * NANO)
            finally:
                connection.close()


def open_or_rebuild(state: State) -> sqlite3.Connection:
    """Open the database; where it is lost or of another version, make it again from git first."""
    path = state.config.database_path
    if path.exists():
        try:
            connection = open_for_writing(path)
        except SchemaVersionError as error:
            click.echo(f"{error}: making it again from git", err=True)
        else:
            if state.is_judged_alike(connection):
                return connection
            connection.close()
            click.echo("limits, nodes or roles changed: judging all records again", err=True)
    elif state.accepted_tips():
        click.echo("the database is gone: making it again from git", err=True)
    else:
        connection = open_for_writing(path)
        state.note_limits(connection)
        return connection
    rebuild_in_place(state)
    return open_for_writing(path)


def rebuild_in_place(state: State) -> None:
    """Make the database again from the accepted tips and put it in place of the old one."""
    path = state.config.database_path
    new = path.with_name(path.name + ".new")
    with commits_progress() as on_progress:
        rebuild(state, new, state.accepted_tips(), now(), on_progress)
    swap(new, path)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class HourType(click.ParamType[int]):
    """A clock hour: `2026-11-21`, `2026-11-21T13` or any instant inside the hour, UTC."""

    name = "hour"

    def convert(
        self,
        value: object,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Read an hour from the command line."""
        if isinstance(value, int):
            return value
        text = str(value)
        patterns = {10: "T00:00:00Z", 13: ":00:00Z", 16: ":00Z"}
        text = text.removesuffix("Z") if len(text) in {14, 17} else text
        try:
            return hour_of(parse_ts(text + patterns.get(len(text), "")))
        except InvalidInstantError:
            self.fail(f"{value!r} is not like 2026-11-21 or 2026-11-21T13 (UTC)", param, ctx)


HOUR = HourType()
