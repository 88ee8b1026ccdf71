"""The private key that signs: generated in memory, kept in a file that only its owner can read."""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from gitmeter.signing.keys import ED25519, PublicKey, read_public_key
from gitmeter.signing.sshsig import sign
from gitmeter.support.errors import GitmeterError
from gitmeter.support.owner import wrong_user
from gitmeter.support.terminal import pasted

KEY_MODE: Final = 0o600
_OWNER_HINT: Final = "run it as the user who owns that file"
_TO_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_CHANGED_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


class SigningKeyError(GitmeterError):
    """A signing key cannot be used."""


class MissingKeyError(SigningKeyError):
    """There is no signing key."""


class SigningKey:
    """An ed25519 key that signs.

    Attributes:
        public: the public half, which verifies.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        self.public: PublicKey = read_public_key(*line.decode().split())

    def sign(self, message: bytes) -> bytes:
        """The armored signature over `message`, for git."""
        return sign(message, self.public, self._private.sign)

    def file_content(self) -> bytes:
        """The content of its file, in OpenSSH's format without a passphrase."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def new_signing_key() -> SigningKey:
    """Generate a key."""
    return SigningKey(Ed25519PrivateKey.generate())


def load_signing_key(path: Path) -> SigningKey:
    """Read a key from its file.

    Raises:
        MissingKeyError: there is no such file.
        SigningKeyError: another user owns the file or may read it, or it does not hold an ed25519
            key without a passphrase.
    """
    try:
        private = load_ssh_private_key(read_own(path, secret=True), password=None)
    except FileNotFoundError as error:
        raise MissingKeyError(f"there is no signing key: {path}") from error
    except OSError as error:
        raise SigningKeyError(f"{path}: {error.strerror}", hint=_hint(error)) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"{path} holds no key that can be used: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} holds another kind of key than {ED25519}")
    return SigningKey(private)


def read_own(path: Path, *, secret: bool) -> bytes:
    """Read a file of this user that no other user may write, or if `secret`, read.

    The owner is checked too: where a group may write to the folder, its members can replace the
    file by one of their own.

    Raises:
        SigningKeyError: it belongs to another user, or is open to others.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.geteuid():
            raise SigningKeyError(f"{path} belongs to another user", hint=wrong_user(path).hint)
        if found.st_mode & (_TO_OTHERS if secret else _CHANGED_BY_OTHERS):
            what = "read or write" if secret else "write"
            raise SigningKeyError(
                f"others may {what} {path}",
                hint=pasted("chmod", "600" if secret else "644", str(path)),
            )
        return file.read()


def _hint(error: OSError) -> str:
    return _OWNER_HINT if isinstance(error, PermissionError) else ""
