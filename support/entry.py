"""How a program starts and ends: errors become a message, a hint and an exit code."""

import sys
import traceback
from importlib.metadata import version

import click

from support.errors import ExitCode, GitmeterError
from support.terminal import escape, escape_lines


def run(command: click.Command, name: str) -> None:
    """Run a click command as the program `name` and exit.

    Expected errors print `error:` and `hint:` lines on standard error and exit with their own code;
    anything else prints a report fit to be pasted and exits with `ExitCode.BUG`.
    """
    sys.exit(_run(command, name))


def _run(command: click.Command, name: str) -> int:
    try:
        result = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    except GitmeterError as error:
        click.echo(f"error: {escape_lines(str(error))}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        return error.exit_code
    except BrokenPipeError:
        return _reader_went_away()
    except Exception:  # noqa: BLE001 - the last edge before the person
        click.echo(
            f"{name} {version('gitmeter')} met something it does not know. Please report this:\n\n"
            f"{name} {escape(' '.join(sys.argv[1:]))}\n\n"
            f"{escape_lines(traceback.format_exc())}",
            err=True,
        )
        return ExitCode.BUG
    return result if isinstance(result, int) else ExitCode.OK


def _reader_went_away() -> int:
    """`| head` closed the pipe: not an error, but Python must not flush into it at exit."""
    sys.stdout = None
    return ExitCode.OK
