"""Why the last push failed, kept in the home: `doctor` can see what only a real push meets.

A server may refuse the size of a push, or by a rule for the branch what is in it.
"""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from gitmeter.support.errors import GitmeterError
from gitmeter.support.files import write_durably
from node_pusher.home.errors import HomeError
from node_pusher.home.layout import failed_push_file, is_shared


class FailedPush(msgspec.Struct, frozen=True):
    """The failure of the last push.

    Attributes:
        at: when it began.
        says: what went wrong.
        do: what to do; may be empty.
        retry: whether the same push may work later without any change.
    """

    at: datetime
    says: str
    do: str
    retry: bool


def note_failed(home: Path, error: GitmeterError, at: datetime) -> None:
    """Keep why a push failed; where the disk takes nothing, the push says it alone."""
    failed = FailedPush(at, str(error), error.hint, error.retry)
    with suppress(OSError):
        mode = 0o640 if is_shared(home) else 0o600
        write_durably(failed_push_file(home), msgspec.json.encode(failed), mode)


def clear_failed(home: Path) -> None:
    """Forget the failure, after a push that went well."""
    with suppress(OSError):
        failed_push_file(home).unlink(missing_ok=True)


def read_failed(home: Path) -> FailedPush | None:
    """Why the last push failed; None if it went well, or there was none.

    Raises:
        HomeError: what was kept cannot be read.
    """
    file = failed_push_file(home)
    try:
        return msgspec.json.decode(file.read_bytes(), type=FailedPush)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise HomeError(
            f"{file}: {error}", hint="`push` as the owner of the home, which writes it anew"
        ) from error
