"""Allowed signers, and signatures of commits."""

from datetime import UTC, datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gitmeter.signing.allowed_signers import (
    AllowedSigners,
    AllowedSignersError,
    Entry,
    Permission,
    find_signer,
    format_entry,
    parse_allowed_signers,
)
from gitmeter.signing.signing_key import SigningKey
from gitmeter.signing.verdict import Validity, judge_commit, split_commit
from tests.fuzz.target import Target, is_printable, promise

_NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
_KEY: Final = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
_ALLOWED: Final = AllowedSigners((Entry("node-1", _KEY.public, "git"),))
_COMMIT: Final = (
    b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
    b"author n <n@x> 1795266000 +0000\ncommitter n <n@x> 1795266000 +0000\n"
)
_MESSAGE: Final = b"\n\nusage: node-1 seq 1..1 (1 record)\n"


def _signed(head: bytes, message: bytes) -> bytes:
    """A commit as git stores it, signed over everything but its signature."""
    armor = _KEY.sign(head.rstrip(b"\n") + message).rstrip(b"\n").replace(b"\n", b"\n ")
    return head + b"gpgsig " + armor + message


def check_signers(data: bytes) -> bool:
    """A text of allowed signers: entries that can be asked, or an error that names the line."""
    text = data.decode(errors="surrogateescape")
    try:
        allowed = parse_allowed_signers(text, "a file")
    except AllowedSignersError as error:
        promise(str(error).startswith("a file, line "), error)
        return False
    for entry in allowed.entries:
        promise(find_signer(allowed, "node-1", entry.key, _NOW) in set(Permission))
        again = parse_allowed_signers(format_entry("node-1", entry.key), "")
        promise(again.entries[0].key == entry.key, entry)
    return bool(allowed.entries)


def check_signature(data: bytes) -> bool:
    """Only what the key has signed is verified, whatever stands around it."""
    verdict = judge_commit(data, "node-1", _ALLOWED, _NOW)
    promise(is_printable(verdict.sentence), verdict)
    promise(verdict.outcome in set(Validity))
    if verdict.verified:
        promise(split_commit(data)[0] in _PAYLOADS, data)
    return verdict.verified


_GOOD: Final = (_signed(_COMMIT, _MESSAGE), _signed(_COMMIT, b"\n\n"))
_PAYLOADS: Final = {split_commit(commit)[0] for commit in _GOOD}
_LINE: Final = format_entry("node-1", _KEY.public).encode()

TARGETS: Final = (
    Target(
        "allowed-signers",
        check_signers,
        [
            _LINE + b"\n# a remark\n\n",
            _LINE.replace(
                b"namespaces", b'valid-after="20260101Z",valid-before="202701010000Z",namespaces'
            ),
            _LINE.replace(b"node-1", b'"node-*,!node-2"') + b" comment",
        ],
        [
            b'valid-after="',
            b'valid-before="',
            b"cert-authority",
            b"ssh-ed25519 ",
            b"ecdsa-sha2-nistp256 ",
        ],
    ),
    Target(
        "signature",
        check_signature,
        [*_GOOD, _COMMIT + _MESSAGE],
        [b"gpgsig ", b"\n ", b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"],
    ),
)
