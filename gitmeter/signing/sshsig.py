"""Armored SSH signatures: signing with a key in memory, and verification. Pure.

The format is openssh-portable's PROTOCOL.sshsig. The library `sshsig` reads it too, but does not
sign, lacks ECDSA, accepts any hash of `hashlib`, and fails an assertion on a malformed signature;
here a malformed one is a value. Keys and curves are those of `cryptography`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from typing import Final, NamedTuple

from gitmeter.signing.keys import InvalidKeyError, PublicKey, parse_public_key
from gitmeter.signing.ssh_wire import MalformedError, Reader, string, uint32

NAMESPACE: Final = "git"
"""The use that git's signatures state."""

_MAGIC: Final = b"SSHSIG"
_VERSION: Final = 1
_BEGIN: Final = b"-----BEGIN SSH SIGNATURE-----"
_ARMOR: Final = re.compile(
    rb"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]*)\n-----END SSH SIGNATURE-----\n*"
)
_LINE_CHARS: Final = 70
_SIGNATURE_BYTES_MAX: Final = 4096
_HASH: Final = "sha512"
_HASHES: Final = ("sha256", "sha512")


class BadSignature(NamedTuple):
    """Not a valid signature over the given bytes.

    Attributes:
        reason: why, for a person; contains nothing that the signer could choose.
    """

    reason: str


def is_ssh_signature(signature: bytes) -> bool:
    """Whether it is marked as a signature of SSH."""
    return signature.startswith(_BEGIN)


def sign(message: bytes, key: PublicKey, signer: Callable[[bytes], bytes]) -> bytes:
    """Sign as `ssh-keygen -Y sign -n git` does.

    Args:
        message: the bytes to sign.
        key: the public half.
        signer: signs bytes with the private half.

    Returns:
        The armored signature, with a newline at its end.
    """
    raw = signer(_signed(NAMESPACE.encode(), _HASH, message))
    blob = b"".join(
        [
            _MAGIC,
            uint32(_VERSION),
            string(key.blob),
            string(NAMESPACE.encode()),
            string(b""),
            string(_HASH.encode()),
            string(string(key.algorithm.encode()) + string(raw)),
        ]
    )
    text = base64.b64encode(blob)
    lines = [text[i : i + _LINE_CHARS] for i in range(0, len(text), _LINE_CHARS)]
    return b"\n".join([_BEGIN, *lines, b"-----END SSH SIGNATURE-----", b""])


def verify(message: bytes, signature: bytes) -> PublicKey | BadSignature:
    """The key that made an armored signature over `message` for git; it may be anyone's."""
    try:
        return _verify(message, signature)
    except (MalformedError, InvalidKeyError) as error:
        return BadSignature(str(error))


def _verify(message: bytes, signature: bytes) -> PublicKey | BadSignature:
    reader = Reader(_dearmored(signature))
    if reader.take(len(_MAGIC)) != _MAGIC:
        raise MalformedError("it does not start as signatures of SSH do")
    if reader.uint32() != _VERSION:
        raise MalformedError("its format has an unknown version")
    key_blob, namespace, _reserved = reader.string(), reader.string(), reader.string()
    hash_name, made = reader.string().decode("ascii", "replace"), reader.string()
    reader.end()
    if namespace != NAMESPACE.encode():
        return BadSignature("it was not made for git")
    if hash_name not in _HASHES:
        return BadSignature(f"its hash is neither {' nor '.join(_HASHES)}")
    key = parse_public_key(key_blob)
    if not key.has_signed(made, _signed(namespace, hash_name, message)):
        return BadSignature("it is not over this commit")
    return key


def _dearmored(signature: bytes) -> bytes:
    if len(signature) > _SIGNATURE_BYTES_MAX:
        raise MalformedError(f"it is longer than {_SIGNATURE_BYTES_MAX} bytes")
    match = _ARMOR.fullmatch(signature)
    if match is None:
        raise MalformedError("its text is damaged")
    try:
        return base64.b64decode(match[1].replace(b"\n", b""), validate=True)
    except binascii.Error as error:
        raise MalformedError("its text is not base64") from error


def _signed(namespace: bytes, hash_name: str, message: bytes) -> bytes:
    """The bytes that the key signs: the hash of the message and its use, not the message itself."""
    digest = hashlib.new(hash_name, message).digest()
    return _MAGIC + string(namespace) + string(b"") + string(hash_name.encode()) + string(digest)
