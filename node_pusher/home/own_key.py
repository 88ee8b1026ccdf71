"""The key a home signs its commits with, and the keys whose commits it accepts as its own.

The private key is the authority: `signing_key.pub` is derived from it, and it is added to
`allowed_signers`, which `git verify-commit` reads too, before it signs anything. Callers hold the
push lock.
"""

from pathlib import Path
from typing import Final, NamedTuple

from gitmeter.signing.allowed_signers import (
    AllowedSigners,
    AllowedSignersError,
    Entry,
    format_entry,
    parse_allowed_signers,
)
from gitmeter.signing.keys import PublicKey
from gitmeter.signing.signing_key import (
    KEY_MODE,
    MissingKeyError,
    SigningKey,
    load_signing_key,
    new_signing_key,
    read_own,
)
from gitmeter.signing.sshsig import NAMESPACE
from gitmeter.support.files import sync_folder, write_durably
from gitmeter.support.owner import check_owner
from node_pusher.home.errors import HomeError
from node_pusher.home.layout import key_file, next_key_file, public_key_file, signers_file

_PUBLIC_MODE: Final = 0o644


class OwnKey(NamedTuple):
    """A key of a home, as a person or program needs to know it.

    Attributes:
        line: the line for the operator's allowed signers.
        fingerprint: the key, as `ssh-keygen -l` shows it.
    """

    line: str
    fingerprint: str


def load_own_key(home: Path) -> SigningKey:
    """The key that signs in the home with this folder.

    Raises:
        HomeError: there is no key.
        SigningKeyError: it cannot be used.
    """
    try:
        return load_signing_key(key_file(home))
    except MissingKeyError as error:
        raise HomeError(
            str(error),
            hint="run the same `init` again: it makes a new key and prints the line that the"
            " operator has to add for it",
        ) from error


def own_key(home: Path, node: str) -> OwnKey:
    """The public half of the key that signs in a home.

    Raises:
        HomeError, SigningKeyError: as `load_own_key`.
    """
    return _public(node, load_own_key(home).public)


def ensure_key(home: Path, node: str, *, replace_lost: bool = False) -> bool:
    """Make sure that there is a key and that its commits are accepted as the home's own.

    A home of a version that did not sign gets its key here. A home that had one and lost it does
    not, unless asked for: commits of a new key are held until the operator allows it.

    Args:
        home: the folder of the home.
        node: the node's name.
        replace_lost: make a key in any case.

    Returns:
        whether a key was made.

    Raises:
        HomeError: the key is lost.
        SigningKeyError: it cannot be used.
        WrongUserError: this is root, and the home is another user's.
    """
    check_owner(home)
    made = not key_file(home).exists()
    if made:
        if signers_file(home).exists() and not replace_lost:
            load_own_key(home)
        write_durably(key_file(home), new_signing_key().file_content(), KEY_MODE)
    _settle(home, node, load_own_key(home).public)
    return made


def own_signers(home: Path) -> AllowedSigners:
    """The keys that ever signed in a home.

    Raises:
        AllowedSignersError: their file is damaged.
        SigningKeyError: it is another user's, or others may write it.
    """
    return parse_allowed_signers(_signers_text(home), str(signers_file(home)))


def trusted_signers(home: Path, node: str) -> AllowedSigners:
    """The keys whose commits a home builds on: those of `own_signers`, and the one that signs now.

    A key that was put back after a loss signs before any file lists it. Where the file lists it,
    perhaps closed, that counts.

    Args:
        home: the folder of the home.
        node: the node's name.

    Raises:
        AllowedSignersError, SigningKeyError: as `own_signers`, or the key cannot be used.
    """
    listed = own_signers(home)
    if not key_file(home).exists():
        return listed
    key = load_own_key(home).public
    if any(entry.key == key for entry in listed.entries):
        return listed
    return listed + AllowedSigners((Entry(node, key, NAMESPACE),))


def prepare_rotation(home: Path, node: str) -> OwnKey:
    """Make the next key, unless it is there; it signs nothing yet.

    Raises:
        HomeError, SigningKeyError: there is no key to rotate, or one of them cannot be used.
    """
    check_owner(home)
    load_own_key(home)
    if not next_key_file(home).exists():
        write_durably(next_key_file(home), new_signing_key().file_content(), KEY_MODE)
    return _public(node, load_signing_key(next_key_file(home)).public)


def rotate(home: Path, node: str) -> OwnKey:
    """Sign with the next key from now on; the old private key is deleted, its public half kept.

    A crash before the one rename leaves the old key in use and the next one prepared; a crash after
    it, the next one in use. Both are among the home's own signers by then.

    Raises:
        HomeError, SigningKeyError: as `prepare_rotation`.
    """
    following = prepare_rotation(home, node)
    _add_signer(home, node, load_own_key(home).public)
    _add_signer(home, node, load_signing_key(next_key_file(home)).public)
    next_key_file(home).replace(key_file(home))
    sync_folder(home)
    _settle(home, node, load_own_key(home).public)
    return following


def _public(node: str, key: PublicKey) -> OwnKey:
    return OwnKey(format_entry(node, key), key.fingerprint)


def _settle(home: Path, node: str, key: PublicKey) -> None:
    """Have the public files agree with the private key."""
    _add_signer(home, node, key)
    public = public_key_file(home)
    text = f"{key.line} {node}\n".encode()
    if not public.exists() or public.read_bytes() != text:
        write_durably(public, text, _PUBLIC_MODE)


def _add_signer(home: Path, node: str, key: PublicKey) -> None:
    text = _signers_text(home)
    line = format_entry(node, key)
    if line not in text.splitlines():
        added = f"{text.rstrip()}\n{line}\n".lstrip()
        write_durably(signers_file(home), added.encode(), _PUBLIC_MODE)


def _signers_text(home: Path) -> str:
    path = signers_file(home)
    try:
        return read_own(path, secret=False).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise AllowedSignersError(f"{path}: {error}") from error
