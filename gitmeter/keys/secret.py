"""The secret of a key: 128 random bits, shown once; in git is its hash alone.

A hash without salt is enough, since nobody can guess so many bits.
"""

import re
import secrets
from hashlib import sha256
from typing import Final, NamedTuple

_SECRET: Final = re.compile(r"oc_live_[0-9a-f]{32}")
_PREFIX: Final = "oc_live_"
_SECRET_BYTES: Final = 16
_KEY_ID_DIGITS: Final = 16


class NewKey(NamedTuple):
    """A key.

    Attributes:
        secret: what its owner sends; nothing here can find it again.
        sha256: the hash of the secret's bytes.
    """

    secret: str
    sha256: str

    @property
    def key_id(self) -> str:
        """Its name in lines and in answers."""
        return key_id_of(self.sha256)


def make_key() -> NewKey:
    """Make a key that nobody can guess."""
    secret = _PREFIX + secrets.token_hex(_SECRET_BYTES)
    return NewKey(secret, digest_of(secret))


def is_secret(text: str) -> bool:
    """Whether a text has the form of a secret: anything else need not be hashed."""
    return _SECRET.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """The hash under which a key is known."""
    return sha256(secret.encode()).hexdigest()


def key_id_of(digest: str) -> str:
    """The name of the key with a hash."""
    return digest[:_KEY_ID_DIGITS]
