"""What every command receives: the configuration, the state directory and the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from aggregator.config.document import STATE_DEFAULT, database_in, read_document
from gitmeter.support.lazy_group import LazyGroup

if TYPE_CHECKING:
    from aggregator.config.settings import Config
    from aggregator.ledger.ledger import Ledger
    from aggregator.mirrors.state import State
    from aggregator.proof.opening import Opening
    from aggregator.store.store import LedgerStore


def now() -> datetime:
    """The clock of the program, which passes it to everything that needs the time."""
    return datetime.now(UTC)


class LedgerGroup(LazyGroup):
    """Commands that read the ledger: a file that SQLite cannot use is an error with a hint."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - as click declares it
        """Run the command.

        Raises:
            BrokenLedgerError: the file is damaged, or cannot be opened or written.
            BusyLedgerError: another process holds it.
        """
        from aggregator.store.errors import ledger_errors

        with ledger_errors():
            return super().invoke(ctx)


class OwnFiles(NamedTuple):
    """Files with secrets from the command line, which replace those of the configuration.

    Attributes:
        token_file: the forge's access token; None to use the configured one.
        webhook_secret_file: the secret that signs webhooks; None to use the configured one.
    """

    token_file: Path | None = None
    webhook_secret_file: Path | None = None

    def applied_to(self, config: "Config") -> "Config":
        """A configuration that names these files."""
        forge, listen = config.forge, config.listen
        if forge is not None and self.token_file is not None:
            forge = forge.model_copy(update={"token_file": self.token_file})
        if listen is not None and self.webhook_secret_file is not None:
            file = {"webhook_secret_file": self.webhook_secret_file}
            listen = listen.model_copy(update=file)
        return config.model_copy(update={"forge": forge, "listen": listen})


class Context:
    """The options of the program and what they lead to.

    Args:
        config_path: the configuration file.
        state: the state directory from the command line, or None.
        verbose: log debug messages too.

    Attributes:
        config_path: the configuration file.
        stated: the state directory from the command line, or None.
        own_files: secrets of the person who runs the command.
    """

    own_files = OwnFiles()

    def __init__(self, config_path: Path, state: Path | None, *, verbose: bool) -> None:
        self.config_path = config_path
        self.stated = state
        self._is_verbose = verbose

    def config(self) -> "Config":
        """Read the configuration, and set up logging: only what needs it logs."""
        from aggregator.config.loading import load_config
        from gitmeter.logs.setup import configure_logs

        configure_logs(verbose=self._is_verbose)
        return self.own_files.applied_to(load_config(self.config_path, state=self.stated))

    def state_path(self) -> Path:
        """The path of the state directory, even if the rest of the configuration is invalid.

        Raises:
            ConfigError: the file is not TOML, or `state` is not a path.
        """
        stated = read_document(self.config_path, state=self.stated).get("state", STATE_DEFAULT)
        if isinstance(stated, str | Path):
            return Path(stated)
        return self.config().state  # the models name what is wrong with it

    def state(self) -> "State":
        """The state directory."""
        from aggregator.mirrors.state import State

        return State(self.config())

    def reading(self) -> "LedgerStore":
        """The database, open for reading until the command has ended."""
        from aggregator.store.store import open_for_reading

        store = open_for_reading(database_in(self.state_path()))
        click.get_current_context().call_on_close(store.close)
        return store

    @contextmanager
    def writing(
        self, alive: Callable[[], object] = lambda: None
    ) -> Iterator[tuple["State", "Ledger"]]:
        """The locked state directory and the ledger, which is rebuilt first if necessary.

        Args:
            alive: called after each commit of a rebuild.
        """
        from aggregator.ledger.ledger import Ledger

        state = self.state()
        unsigned = [repo.name for repo in state.config.repo if repo.allow_unsigned]
        if unsigned:
            _say(
                f"warning: signatures of {', '.join(unsigned)} are not checked"
                " (allow_unsigned = true)"
            )
        for _, fault in state.config.registration_faults:
            _say(f"warning: {fault}")
        with state.locked():
            store = opening(state, alive).open_or_rebuild()
            try:
                yield state, Ledger(store, state.config)
            finally:
                store.close()


def opening(state: "State", alive: Callable[[], object] = lambda: None) -> "Opening":
    """How to open the ledger of a state directory, reporting progress on standard error.

    Args:
        state: the state directory.
        alive: called after each commit of a rebuild.
    """
    from aggregator.cli.progress import commits_progress
    from aggregator.proof.opening import Opening

    return Opening(state, now, _say, lambda: commits_progress(alive))


def _say(text: str) -> None:
    with suppress(OSError):  # a daemon's log may be full, or its reader gone
        click.echo(text, err=True)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def refuse_two_forms(*, as_csv: bool, as_json: bool) -> None:
    """Refuse to print one answer both as CSV and as JSON.

    Raises:
        UsageError: both were asked for.
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two forms of one answer: state one of them")


def hour(text: str) -> int:
    """Read a clock hour of a command line: a day, an hour, or an instant inside the hour, UTC.

    Raises:
        BadParameter: it is something else.
    """
    from wire_format.instants import InvalidInstantError, hour_of, parse_short_ts

    try:
        return hour_of(parse_short_ts(text))
    except InvalidInstantError:
        words = f"{text!r} is not like 2026-11-21 or 2026-11-21T13 (UTC)"
        raise click.BadParameter(words) from None


def instant(text: str) -> datetime:
    """Read an instant of a command line: to the day, hour, minute or second, UTC.

    Raises:
        BadParameter: it is something else.
    """
    from wire_format.instants import InvalidInstantError, parse_short_ts

    try:
        return parse_short_ts(text)
    except InvalidInstantError:
        words = f"{text!r} is not like 2026-11-21 or 2026-11-21T13:05 (UTC)"
        raise click.BadParameter(words) from None


at_option = click.option(
    "--at", type=instant, help="At this instant, UTC, by what is known of it today."
)
