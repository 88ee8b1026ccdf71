"""Public keys of an issuer, from its JSON Web Key Set (RFC 7517). Pure.

The algorithm of a key follows from what kind of key it is, so no token chooses one. Keys that are
for something else, or too weak, are passed over: an issuer may list keys of other programs.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

KEYS_MAX: Final = 64
"""Keys of a set that are looked at."""
_RSA_BITS: Final = range(2048, 8193)
_ALGORITHMS: Final = {"RSA None": "RS256", "EC P-256": "ES256", "OKP Ed25519": "EdDSA"}
"""By the type of a key and its curve."""


class VerifyingKey(NamedTuple):
    """A key with which signatures of an issuer are checked.

    Attributes:
        key: as the library has it.
        algorithm: the one algorithm that it is for.
    """

    key: Any
    algorithm: str


def keys_in(stated: Any) -> dict[str, VerifyingKey]:  # noqa: ANN401 - what an issuer sent
    """The usable keys of a set, by name; of those of one name the first. No name is the empty one.

    Args:
        stated: a JSON Web Key Set as decoded JSON.
    """
    listed = stated.get("keys") if isinstance(stated, dict) else None
    found: dict[str, VerifyingKey] = {}
    for each in listed[:KEYS_MAX] if isinstance(listed, list) else ():
        name = each.get("kid", "") if isinstance(each, dict) else None
        key = _key_in(each) if isinstance(name, str) else None
        if key is not None:
            found.setdefault(str(name), key)
    return found


def key_named(keys: Mapping[str, VerifyingKey], name: str | None) -> VerifyingKey | None:
    """The key of a name; without a name the only one. None where there is none."""
    if name is not None:
        return keys.get(name)
    return next(iter(keys.values())) if len(keys) == 1 else None


def _key_in(stated: Mapping[str, Any]) -> VerifyingKey | None:
    algorithm = _ALGORITHMS.get(f"{stated.get('kty')} {stated.get('crv')}")
    if algorithm is None or stated.get("alg", algorithm) != algorithm:
        return None
    if stated.get("use", "sig") != "sig" or "d" in stated:  # a private key that everybody can read
        return None
    try:
        key = jwt.PyJWK(dict(stated), algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if isinstance(key, RSAPublicKey) and key.key_size not in _RSA_BITS:
        return None
    return VerifyingKey(key, algorithm)
