"""What a request shows for itself: the key in its `Authorization`. Pure."""

from collections.abc import Sequence

from gitmeter.keys.secret import digest_of, is_secret

_SCHEME = "bearer"


def shown_key(authorizations: Sequence[str]) -> str | None:
    """The hash of the key that a request shows; None where it shows nothing of that form, or two.

    Only what has the form of a key is hashed.

    Args:
        authorizations: the lines of the header.
    """
    if len(authorizations) != 1:
        return None
    scheme, _, secret = authorizations[0].partition(" ")
    secret = secret.strip()
    return digest_of(secret) if scheme.lower() == _SCHEME and is_secret(secret) else None
