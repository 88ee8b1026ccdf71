"""A secret that posts are signed with, shared with whoever is at the other end, in its own file."""

import re
import stat
from pathlib import Path
from typing import Final

from support.errors import GitmeterError

_LENGTH_MIN: Final = 16
_OTHERS_MAY_READ: Final = stat.S_IROTH | stat.S_IWOTH
_PRINTABLE: Final = re.compile(r"[!-~]+")


class SecretFileError(GitmeterError):
    """The file of the secret cannot be used."""


def read_secret(path: Path) -> bytes:
    """Read a secret.

    Raises:
        SecretFileError: the file is missing, open to everybody, not one word, or too short to
            withstand guessing.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise SecretFileError(f"the secret file {path} cannot be read: {why}") from error
    if mode & _OTHERS_MAY_READ:
        raise SecretFileError(
            f"everybody on this machine may read the secret file {path}", hint=f"chmod 600 {path}"
        )
    if _PRINTABLE.fullmatch(text) is None:
        raise SecretFileError(f"the secret file {path} does not hold one word")
    if len(text) < _LENGTH_MIN:
        raise SecretFileError(
            f"the secret in {path} has fewer than {_LENGTH_MIN} characters",
            hint="make one with `openssl rand -hex 32`",
        )
    return text.encode()
