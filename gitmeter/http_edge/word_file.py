"""Files with one secret word: a token, or a signing secret."""

import re
import stat
from pathlib import Path
from typing import Final

from gitmeter.support.errors import GitmeterError
from gitmeter.support.terminal import pasted

_OTHERS_MAY_READ: Final = stat.S_IROTH | stat.S_IWOTH
_PRINTABLE: Final = re.compile(r"[!-~]+")


class WordFileError(GitmeterError):
    """The file is missing, readable by all users, or does not contain one word."""


def read_word(path: Path, what: str) -> str:
    """Read the one word of a file.

    Args:
        path: the file.
        what: the name of the word in errors: `token`.

    Raises:
        WordFileError: it cannot be used.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise WordFileError(f"the {what} file cannot be read: {path}: {why}") from error
    if mode & _OTHERS_MAY_READ:
        raise WordFileError(
            f"every user of this machine may read the {what} file {path}",
            hint=pasted("chmod", "600", str(path)),
        )
    if _PRINTABLE.fullmatch(text) is None:
        raise WordFileError(
            f"the {what} file {path} does not contain one {what}, which is one word"
        )
    return text
