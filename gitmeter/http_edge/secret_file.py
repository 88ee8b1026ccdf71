"""The file of a shared secret that signs webhooks."""

from pathlib import Path
from typing import Final

from gitmeter.http_edge.word_file import WordFileError, read_word
from gitmeter.support.errors import GitmeterError

_LENGTH_MIN: Final = 16


class SecretFileError(GitmeterError):
    """The file of a secret cannot be used."""


def read_secret(path: Path) -> bytes:
    """Read a secret.

    Raises:
        SecretFileError: the file is missing, open to all users, not one word, or too short to
            resist guessing.
    """
    try:
        text = read_word(path, "secret")
    except WordFileError as error:
        raise SecretFileError(str(error), hint=error.hint) from error
    if len(text) < _LENGTH_MIN:
        raise SecretFileError(
            f"the secret in {path} has fewer than {_LENGTH_MIN} characters",
            hint="make one with `openssl rand -hex 32`",
        )
    return text.encode()
