"""Signatures are what OpenSSH makes and takes, and nothing malformed is more than a value."""

import base64
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitmeter.signing.ssh_wire import string, uint32
from gitmeter.signing.sshsig import BadSignature, verify
from tests.gitmeter.signing.openssh import (
    NOW,
    accepts,
    fixed_key,
    make_key,
    public_key,
    public_line,
    sign_with,
    ssh_keygen,
)

MESSAGE = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\nusage\n"
KEY = fixed_key(1)
SIGNATURE = KEY.sign(MESSAGE)
KINDS = [("ed25519", 0), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521)]


def blob_of(signature: bytes) -> bytes:
    return base64.b64decode(b"".join(signature.splitlines()[1:-1]))


def armored(blob: bytes) -> bytes:
    text = base64.b64encode(blob)
    lines = [text[i : i + 70] for i in range(0, len(text), 70)]
    begin, end = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
    return b"\n".join([begin, *lines, end, b""])


def assembled(
    *,
    version: int = 1,
    key: bytes = KEY.public.blob,
    namespace: bytes = b"git",
    hash_name: bytes = b"sha512",
    made: bytes = b"",
    rest: bytes = b"",
) -> bytes:
    fields = [key, namespace, b"", hash_name, made]
    return armored(b"SSHSIG" + uint32(version) + b"".join(map(string, fields)) + rest)


def test_openssh_takes_what_is_signed_here(tmp_path: Path) -> None:
    line = f"node-1 {KEY.public.line}\n"
    assert accepts(tmp_path, line, "node-1", MESSAGE, SIGNATURE, NOW)
    assert not accepts(tmp_path, line, "node-1", MESSAGE + b"x", SIGNATURE, NOW)


def test_a_signature_is_the_very_bytes_that_openssh_makes(tmp_path: Path) -> None:
    """Ed25519 leaves nothing to chance, so even the armor must be alike."""
    private = tmp_path / "key"
    private.write_bytes(KEY.file_content())
    private.chmod(0o600)
    assert sign_with(private, MESSAGE) == SIGNATURE


@pytest.mark.parametrize(("kind", "bits"), KINDS)
@pytest.mark.parametrize("hash_name", ["sha256", "sha512"])
def test_what_openssh_signs_is_taken(tmp_path: Path, kind: str, bits: int, hash_name: str) -> None:
    private = make_key(tmp_path, kind, bits=bits)
    signature = sign_with(private, MESSAGE, hash_name=hash_name)
    assert verify(MESSAGE, signature) == public_key(private)
    assert verify(MESSAGE + b" ", signature) == BadSignature("it is not over this commit")


@pytest.mark.parametrize(("kind", "bits"), KINDS)
def test_fingerprints_are_those_that_openssh_shows(tmp_path: Path, kind: str, bits: int) -> None:
    private = make_key(tmp_path, kind, bits=bits)
    shown = ssh_keygen("-l", "-f", private).stdout.split()[1].decode()
    assert public_key(private).fingerprint == shown
    assert public_key(private).line == public_line(private)


def test_a_signature_of_rsa_is_refused_by_kind(tmp_path: Path) -> None:
    signature = sign_with(make_key(tmp_path, "rsa", bits=2048), MESSAGE)
    found = verify(MESSAGE, signature)
    assert isinstance(found, BadSignature)
    assert "a kind of key that is not accepted" in found.reason


def test_a_signature_for_something_else_is_none_for_git(tmp_path: Path) -> None:
    signature = sign_with(make_key(tmp_path), MESSAGE, namespace="file")
    assert verify(MESSAGE, signature) == BadSignature("it was not made for git")


@pytest.mark.parametrize(
    "signature",
    [
        b"-----BEGIN SSH SIGNATURE-----\n",
        armored(b""),
        armored(b"SSHSIG"),
        armored(b"SSHSIX" + blob_of(SIGNATURE)[6:]),
        armored(blob_of(SIGNATURE) + b"\0"),
        armored(blob_of(SIGNATURE)[:-1]),
        armored(b"SSHSIG\0\0\0\1\xff\xff\xff\xff"),
        assembled(version=2),
        assembled(hash_name=b"md5"),
        assembled(hash_name=b"shake_128"),
        assembled(hash_name=b"\xff"),
        assembled(key=b""),
        assembled(key=string(b"ssh-ed25519")),
        assembled(key=string(b"ssh-ed25519") + string(b"short")),
        assembled(key=KEY.public.blob + b"\0"),
        assembled(key=string(b"\xff\x1b[31m") + string(b"x" * 32)),
        assembled(key=string(b"sk-ssh-ed25519@openssh.com") + string(b"x" * 32) + string(b"ssh:")),
        assembled(
            key=string(b"ecdsa-sha2-nistp256") + string(b"nistp256") + string(b"\4" + b"x" * 64)
        ),
        assembled(made=string(b"ssh-ed25519") + string(b"")),
        assembled(made=string(b"ssh-ed25519") + string(b"x" * 64)),
        assembled(made=string(b"ssh-ed25519") + string(b"x" * 64) + b"\0"),
        assembled(made=string(b"ssh-rsa") + string(b"x" * 64)),
        SIGNATURE + b"x",
        SIGNATURE + SIGNATURE,
        SIGNATURE.replace(b"\n", b"\r\n"),
        SIGNATURE.replace(b"U1NIU0lH", b"U1NI*0lH"),
        SIGNATURE.replace(b"=\n", b"\n"),
        armored(b"SSHSIG" + b"\0" * 100_000),
    ],
)
def test_a_malformed_signature_is_a_reason(signature: bytes) -> None:
    assert signature != SIGNATURE
    found = verify(MESSAGE, signature)
    assert isinstance(found, BadSignature)
    assert found.reason.isascii()
    assert found.reason.isprintable()


@pytest.mark.parametrize(
    ("r", "s"),
    [(b"\x80", b"\1"), (b"\0\1", b"\1"), (b"", b""), (b"\1", b"\0" + b"\xff" * 400)],
)
def test_numbers_of_an_ecdsa_signature_that_are_none_are_refused(
    tmp_path: Path, r: bytes, s: bytes
) -> None:
    key = public_key(make_key(tmp_path, "ecdsa", bits=256))
    made = string(key.algorithm.encode()) + string(string(r) + string(s))
    assert isinstance(verify(MESSAGE, assembled(key=key.blob, made=made)), BadSignature)


@given(st.binary(max_size=400))
def test_any_bytes_in_any_field_are_no_exception(data: bytes) -> None:
    assert isinstance(verify(MESSAGE, data), BadSignature)
    assert isinstance(verify(MESSAGE, armored(data)), BadSignature)
    assert isinstance(verify(MESSAGE, armored(b"SSHSIG\0\0\0\1" + data)), BadSignature)
    for field in ("key", "namespace", "hash_name", "made"):
        assert isinstance(verify(MESSAGE, assembled(**{field: data})), BadSignature)  # type: ignore[arg-type] # bytes all


def test_no_bit_of_a_signature_can_be_changed() -> None:
    blob = blob_of(SIGNATURE)
    for i, bit in itertools.product(range(len(blob)), range(8)):
        changed = bytearray(blob)
        changed[i] ^= 1 << bit
        assert isinstance(verify(MESSAGE, armored(bytes(changed))), BadSignature), (i, bit)
