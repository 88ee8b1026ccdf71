"""The file of what one run leaves for the next, in the home of the books; it may be lost."""

from datetime import datetime
from pathlib import Path

import msgspec

from books.reconcile.judging.memory import VERSION, Memory, forget_old
from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import write_durably
from gitmeter.support.terminal import pasted


class ForgottenError(GitmeterError):
    """The file cannot be read or written."""


def memory_file(home: Path) -> Path:
    """Where it is."""
    return home / "reconcile.json"


def read_memory(home: Path) -> Memory:
    """What the last run left; nothing where none did.

    Raises:
        ForgottenError: the file cannot be read.
    """
    file = memory_file(home)
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Memory)
        if found.version != VERSION:
            raise ValueError(f"it is of version {found.version}")  # noqa: TRY301 - said once
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ForgottenError(
            f"{file} cannot be read: {error}",
            hint=f"without it only what moved before is not compared: {pasted('rm', str(file))}",
        ) from error
    return found


def write_memory(home: Path, memory: Memory, now: datetime) -> None:
    """Leave for the next run what can still matter.

    Raises:
        ForgottenError: it cannot be written.
    """
    forget_old(memory, now)
    try:
        write_durably(memory_file(home), msgspec.json.encode(memory))
    except OSError as error:
        raise ForgottenError(f"{memory_file(home)}: {error.strerror}") from error
