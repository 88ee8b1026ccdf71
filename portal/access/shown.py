"""What a request shows for itself: the key in its `Authorization`. Pure."""

from gitmeter.keys.secret import digest_of, is_secret

_SCHEME = "bearer"


def shown_key(authorization: str | None) -> str | None:
    """The hash of the key that a request shows; None where it shows nothing of that form.

    Only what has the form of a key is hashed.
    """
    scheme, _, secret = (authorization or "").partition(" ")
    secret = secret.strip()
    return digest_of(secret) if scheme.lower() == _SCHEME and is_secret(secret) else None
