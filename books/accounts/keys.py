"""Keys of customers: a secret that is shown once, and of which the books keep the hash alone."""

import secrets
from hashlib import sha256
from typing import Final, NamedTuple

_PREFIX: Final = "gm_"
_SECRET_BYTES: Final = 32
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
    secret = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    return NewKey(secret, sha256(secret.encode()).hexdigest())


def key_id_of(digest: str) -> str:
    """The name of the key with a hash."""
    return digest[:_KEY_ID_DIGITS]
