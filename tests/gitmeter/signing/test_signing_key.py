"""A private key is used only where nobody else has it, and is one that OpenSSH knows."""

import os
from pathlib import Path

import pytest

from gitmeter.signing.signing_key import (
    MissingKeyError,
    SigningKeyError,
    load_signing_key,
    new_signing_key,
    read_own,
)
from tests.gitmeter.signing.openssh import make_key, public_line, ssh_keygen

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to other users")


def write(path: Path, data: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(data)
    path.chmod(mode)
    return path


def test_openssh_reads_what_is_written_and_the_other_way_round(tmp_path: Path) -> None:
    key = new_signing_key()
    ours = write(tmp_path / "ours", key.file_content())
    assert ssh_keygen("-y", "-f", ours).stdout.decode().split()[:2] == key.public.line.split()
    assert load_signing_key(ours).public == key.public
    theirs = make_key(tmp_path)
    assert load_signing_key(theirs).public.line == public_line(theirs)


def test_no_two_keys_are_alike() -> None:
    assert new_signing_key().public != new_signing_key().public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602])
def test_a_key_that_others_may_read_is_refused_with_the_way_out(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "key", new_signing_key().file_content(), mode)
    with pytest.raises(SigningKeyError, match="others may read") as raised:
        load_signing_key(path)
    assert raised.value.hint == f"chmod 600 {path}"


@needs_root
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "key", new_signing_key().file_content())
    os.chown(path, 65534, -1)
    for secret in (True, False):
        with pytest.raises(SigningKeyError, match="another user"):
            read_own(path, secret=secret)


def test_a_public_file_may_be_read_by_others_and_not_written(tmp_path: Path) -> None:
    assert read_own(write(tmp_path / "a", b"x", 0o644), secret=False) == b"x"
    for mode in (0o664, 0o646):
        with pytest.raises(SigningKeyError, match="others may write"):
            read_own(write(tmp_path / "a", b"x", mode), secret=False)


def test_what_is_no_usable_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingKeyError):
        load_signing_key(tmp_path / "none")
    for content in (b"", b"-----BEGIN OPENSSH PRIVATE KEY-----\n"):
        with pytest.raises(SigningKeyError, match="no key that can be used"):
            load_signing_key(write(tmp_path / "bad", content))
    with pytest.raises(SigningKeyError, match="another kind of key"):
        load_signing_key(make_key(tmp_path, "ecdsa"))
    locked = tmp_path / "locked"
    assert ssh_keygen("-q", "-t", "ed25519", "-N", "secret", "-f", locked).returncode == 0
    with pytest.raises(SigningKeyError, match="no key that can be used"):
        load_signing_key(locked)
