"""Public SSH keys: text, fingerprint, and verification. Pure.

Ed25519 and the three NIST curves are accepted. RSA offers hashes and lengths that can be chosen
wrongly; hardware keys (`sk-...`) need a touch, which a machine that commits every hour cannot give.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from gitmeter.signing.ssh_wire import MalformedError, Reader

ED25519: Final = "ssh-ed25519"
_ECDSA_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "ecdsa-sha2-nistp256": hashes.SHA256(),
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
}
ACCEPTED: Final = (ED25519, *_ECDSA_HASHES)


class InvalidKeyError(ValueError):
    """Not a key, or one of a kind that is not accepted."""


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies signatures. Keys are equal when their bytes are.

    Attributes:
        algorithm: one of `ACCEPTED`.
        blob: the key as SSH sends it; it starts with the algorithm.
    """

    algorithm: str
    blob: bytes

    @property
    def line(self) -> str:
        """The key as in a `.pub` file, without a comment: `ssh-ed25519 AAAA...`."""
        return f"{self.algorithm} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """What `ssh-keygen -l` shows: `SHA256:...`."""
        digest = hashlib.sha256(self.blob).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    def has_signed(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature`, as SSH encodes it, is one of this key over `data`.

        Raises:
            MalformedError: it is not a signature of this kind of key.
        """
        reader = Reader(signature)
        if reader.string() != self.algorithm.encode():
            raise MalformedError("it is of another kind than its key")
        value = reader.string()
        reader.end()
        try:
            if self.algorithm == ED25519:
                cast("Ed25519PublicKey", self._loaded).verify(value, data)
            else:
                ecdsa = ec.ECDSA(_ECDSA_HASHES[self.algorithm])
                curve = cast("ec.EllipticCurvePublicKey", self._loaded)
                curve.verify(_der(value), data, ecdsa)
        except InvalidSignature:
            return False
        return True

    @cached_property
    def _loaded(self) -> object:
        return load_ssh_public_key(self.line.encode())


def parse_public_key(blob: bytes) -> PublicKey:
    """Parse a key in SSH's wire format.

    Raises:
        InvalidKeyError: it is not a key, or of a kind that is not accepted.
    """
    try:
        algorithm = Reader(blob).string().decode("ascii", "replace")
    except MalformedError as error:
        raise InvalidKeyError(f"no SSH key: {error}") from error
    if algorithm not in ACCEPTED:
        raise InvalidKeyError(f"a kind of key that is not accepted; use {', '.join(ACCEPTED)}")
    key = PublicKey(algorithm, blob)
    try:
        load_ssh_public_key(key.line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InvalidKeyError(f"no {algorithm} key: {error}") from error
    return key


def read_public_key(algorithm: str, encoded: str) -> PublicKey:
    """Parse a key given as text, such as `ssh-ed25519` and `AAAA...`.

    Raises:
        InvalidKeyError: it is not a key, or of a kind that is not accepted.
    """
    if algorithm not in ACCEPTED:
        raise InvalidKeyError(
            f"{algorithm!r} is a kind of key that is not accepted; use {', '.join(ACCEPTED)}"
        )
    try:
        blob = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidKeyError(f"the key is not base64: {error}") from error
    key = parse_public_key(blob)
    if key.algorithm != algorithm:
        raise InvalidKeyError(f"the key says {key.algorithm}, the text before it {algorithm}")
    return key


def _der(signature: bytes) -> bytes:
    """An ECDSA signature as X.509 writes it (RFC 5656, section 3.1.2 has SSH's)."""
    reader = Reader(signature)
    r, s = reader.natural(), reader.natural()
    reader.end()
    return encode_dss_signature(r, s)
