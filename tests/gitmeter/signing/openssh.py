"""ssh-keygen as an oracle: what the real programs make of keys, signatures and allowed signers."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gitmeter.signing.keys import PublicKey, read_public_key
from gitmeter.signing.signing_key import SigningKey

NOW = datetime(2026, 11, 21, 13, tzinfo=UTC)


def fixed_key(number: int) -> SigningKey:
    """The same key in every process, so that tests have the same names in each."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def ssh_keygen(*words: str | Path, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run it, whatever comes of it."""
    return subprocess.run(["ssh-keygen", *words], input=stdin, capture_output=True, check=False)


def make_key(folder: Path, kind: str = "ed25519", *, name: str = "", bits: int = 0) -> Path:
    """A key pair of any kind; returns the private file, `.pub` is beside it."""
    path = folder / (name or f"{kind}-{bits}")
    size = ("-b", str(bits)) if bits else ()
    done = ssh_keygen("-q", "-t", kind, *size, "-N", "", "-C", "", "-f", path)
    assert done.returncode == 0, done.stderr
    return path


def public_line(private: Path) -> str:
    """The text of a public key."""
    return private.with_name(f"{private.name}.pub").read_text().strip()


def public_key(private: Path) -> PublicKey:
    """The key as this project reads it."""
    return read_public_key(*public_line(private).split()[:2])


def sign_with(
    private: Path, message: bytes, *, namespace: str = "git", hash_name: str = ""
) -> bytes:
    """The armored signature that ssh-keygen makes."""
    options = ("-O", f"hashalg={hash_name}") if hash_name else ()
    done = ssh_keygen("-q", "-Y", "sign", "-n", namespace, *options, "-f", private, stdin=message)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accepts(
    folder: Path, signers: str, principal: str, message: bytes, signature: bytes, now: datetime
) -> bool:
    """Whether `ssh-keygen -Y verify` takes a signature; trust the exit code alone."""
    (folder / "oracle_signers").write_text(signers)
    (folder / "oracle_signature").write_bytes(signature)
    done = ssh_keygen(
        *("-Y", "verify", "-f", folder / "oracle_signers", "-I", principal, "-n", "git"),
        *("-s", folder / "oracle_signature", "-O", f"verify-time={now:%Y%m%d%H%M%S}Z"),
        stdin=message,
    )
    return done.returncode == 0
