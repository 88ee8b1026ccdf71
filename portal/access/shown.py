"""What a request shows for itself: the key or the token in its `Authorization`. Pure."""

from collections.abc import Sequence

from gitmeter.keys.secret import digest_of, is_secret

_SCHEME = "bearer"


def shown_by(authorizations: Sequence[str]) -> str | None:
    """The key or token that a request shows; None where it shows none, or two.

    Args:
        authorizations: the lines of the header.
    """
    if len(authorizations) != 1:
        return None
    scheme, _, secret = authorizations[0].partition(" ")
    return secret.strip() if scheme.lower() == _SCHEME else None


def hash_of_key(shown: str) -> str | None:
    """The hash of a key; None where it is none: only what has the form of one is hashed."""
    return digest_of(shown) if is_secret(shown) else None
