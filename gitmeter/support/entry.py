"""How a program starts and ends: errors become a message, a hint and an exit code."""

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

import click

from gitmeter.support.errors import ExitCode, GitmeterError
from gitmeter.support.terminal import escape, escape_lines

_OWNER_HINT: Final = "run this as the user who owns that path, or give this user access to it"
_ROOM_HINT: Final = "make room there, then run this again"
_HINTS: Final = {
    errno.EACCES: _OWNER_HINT,
    errno.EPERM: _OWNER_HINT,
    errno.ENOSPC: _ROOM_HINT,
    errno.EDQUOT: _ROOM_HINT,
    errno.EROFS: "this disk is mounted read-only: choose another path, or mount it for writing",
}
_INSTALLED_AS: Final = {name: f"gitmeter[{name}]" for name in ("aggregator", "books", "till")}
_OWN_PACKAGES: Final = frozenset(
    {
        "aggregator",
        "books",
        "cursors",
        "gitmeter",
        "node_pusher",
        "providers",
        "till",
        "wire_format",
    }
)


def run(command: click.Command, name: str) -> NoReturn:
    """Run a click command as the program `name` and exit.

    Expected errors and those of the operating system print `error:` and `hint:` lines on standard
    error and exit with their own code, also where a package is not installed; anything else prints
    a report to be filed and exits with `ExitCode.BUG`. A reader that closed the pipe, as `head`
    does, is no error.
    """
    sys.exit(_run(command, name))


def _run(command: click.Command, name: str) -> int:
    stdout = sys.stdout
    try:
        result = command.main(prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return ExitCode.INTERRUPTED
    except GitmeterError as error:
        _say_error(str(error), error.hint)
        return error.exit_code
    except SystemExit:
        # click ends with 1 on a closed pipe, and leaves a wrapped standard output behind
        if sys.stdout is stdout:
            raise
        return _leave_output(ExitCode.OK)
    except BrokenPipeError:
        return _leave_output(ExitCode.OK)
    except OSError as error:
        _say_error(*_os_cause(error))
        return _leave_output(ExitCode.FAILED)
    except ModuleNotFoundError as error:
        return _report_missing(name, error.name or "")
    except Exception:  # noqa: BLE001 - the last place to catch anything
        return _report_bug(name)
    return result if isinstance(result, int) else ExitCode.OK


def _report_missing(name: str, module: str) -> ExitCode:
    package = module.partition(".")[0]
    if package in _OWN_PACKAGES or package in sys.stdlib_module_names:
        return _report_bug(name)
    _say_error(
        f"{name} needs the Python package {package}, which is not installed",
        f"pip install '{_INSTALLED_AS.get(name, 'gitmeter')}'",
    )
    return ExitCode.FAILED


def _report_bug(name: str) -> ExitCode:
    import traceback
    from importlib.metadata import version

    _say(
        f"{name} {version('gitmeter')} met an unexpected error. Please report this:\n\n"
        f"{name} {escape(' '.join(sys.argv[1:]))}\n\n"
        f"{escape_lines(traceback.format_exc())}"
    )
    return ExitCode.BUG


def _say_error(message: str, hint: str) -> None:
    _say(f"error: {escape_lines(message)}")
    if hint:
        _say(f"hint: {escape_lines(hint)}")


def _say(text: str) -> None:
    # standard error may be closed; the exit code is still right
    with suppress(OSError):
        click.echo(text, err=True)


def _os_cause(error: OSError) -> tuple[str, str]:
    """What is wrong, and what to do: the system says `no space` where it has no inodes either."""
    message, hint = _os_message(error), _HINTS.get(error.errno or 0, "")
    if error.errno == errno.ENOSPC and isinstance(error.filename, str | bytes):
        from gitmeter.support.files import why_not_written

        says, do = why_not_written(Path(os.fsdecode(error.filename)))
        return (f"{message}: {says}", do) if says else (message, hint)
    return message, hint


def _os_message(error: OSError) -> str:
    """`<path>: <what is wrong>`, as far as the error knows them."""
    if error.strerror is None:
        return str(error) or type(error).__name__
    paths = [
        os.fsdecode(p) for p in (error.filename, error.filename2) if isinstance(p, str | bytes)
    ]
    return ": ".join([" -> ".join(paths), error.strerror] if paths else [error.strerror])


def _leave_output(code: ExitCode) -> ExitCode:
    """Keep Python from writing the rest of standard output at exit, and failing again."""
    sys.stdout = None
    return code
