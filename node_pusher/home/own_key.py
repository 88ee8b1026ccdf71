"""The key a home signs its commits with, and the keys whose commits it takes for its own.

signing_key       private, for this user alone, whoever else records into the home
signing_key.pub   its public half, for people
signing_key.next  the key of a rotation that is prepared or was interrupted
allowed_signers   the public halves of all keys that ever signed here, for `git verify-commit` too

The private key is what counts: `signing_key.pub` is made again from it, and it is put into
`allowed_signers` before it signs anything. Whoever calls holds the push lock.
"""

from pathlib import Path
from typing import Final, NamedTuple, Protocol

from gitmeter.signing.allowed_signers import (
    AllowedSigners,
    AllowedSignersError,
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
from gitmeter.support.files import sync_folder, write_durably
from node_pusher.home.errors import HomeError

_PUBLIC_MODE: Final = 0o644


class KeyOwner(Protocol):
    """Whoever has a key: a home, also one that is still to be made."""

    @property
    def path(self) -> Path:
        """The folder of the home."""

    @property
    def node(self) -> str:
        """The node's name."""


class NewHome(NamedTuple):
    """A home that is not made yet.

    Attributes:
        path: its folder.
        node: the node that it will be of.
    """

    path: Path
    node: str


class OwnKey(NamedTuple):
    """A key of a home, as a person or program needs to know it.

    Attributes:
        line: what the operator puts into the allowed signers.
        fingerprint: the key, as `ssh-keygen -l` shows it.
    """

    line: str
    fingerprint: str


def load_own_key(home: KeyOwner) -> SigningKey:
    """The key that signs here.

    Raises:
        HomeError: there is none.
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


def own_key(home: KeyOwner) -> OwnKey:
    """The key that signs here, in public.

    Raises:
        HomeError, SigningKeyError: as `load_own_key`.
    """
    return _told(home, load_own_key(home).public)


def ensure_key(home: KeyOwner, *, replace_lost: bool = False) -> bool:
    """Make sure that there is a key and that its commits are taken for the home's own.

    A home of a version that did not sign gets its key here. A home that had one and lost it does
    not, unless told: commits of a new key are held until the operator allows it.

    Args:
        home: whose key.
        replace_lost: make a key in any case.

    Returns:
        whether a key was made.

    Raises:
        HomeError: the key is lost.
        SigningKeyError: it cannot be used.
    """
    made = not key_file(home).exists()
    if made:
        if _signers_file(home).exists() and not replace_lost:
            load_own_key(home)
        write_durably(key_file(home), new_signing_key().file_content(), KEY_MODE)
    _settle(home, load_own_key(home).public)
    return made


def own_signers(home: KeyOwner) -> AllowedSigners:
    """The keys that ever signed here.

    Raises:
        AllowedSignersError: their file is damaged.
        SigningKeyError: it is another user's, or others may write it.
    """
    return parse_allowed_signers(_signers_text(home), str(_signers_file(home)))


def prepare_rotation(home: KeyOwner) -> OwnKey:
    """Make the next key, unless it is there; it signs nothing yet.

    Raises:
        HomeError, SigningKeyError: there is no key to rotate, or one of them cannot be used.
    """
    load_own_key(home)
    if not _next_file(home).exists():
        write_durably(_next_file(home), new_signing_key().file_content(), KEY_MODE)
    return _told(home, load_signing_key(_next_file(home)).public)


def rotate(home: KeyOwner) -> OwnKey:
    """Sign with the next key from now on; the old private key is gone, its public half stays.

    A crash before the one rename leaves the old key in use and the next one prepared; a crash after
    it, the next one in use. Both are among the home's own signers by then.

    Raises:
        HomeError, SigningKeyError: as `prepare_rotation`.
    """
    told = prepare_rotation(home)
    _add_signer(home, load_own_key(home).public)
    _add_signer(home, load_signing_key(_next_file(home)).public)
    _next_file(home).replace(key_file(home))
    sync_folder(home.path)
    _settle(home, load_own_key(home).public)
    return told


def key_file(home: KeyOwner) -> Path:
    """Where the private key lies."""
    return home.path / "signing_key"


def _next_file(home: KeyOwner) -> Path:
    return home.path / "signing_key.next"


def _signers_file(home: KeyOwner) -> Path:
    return home.path / "allowed_signers"


def _told(home: KeyOwner, key: PublicKey) -> OwnKey:
    return OwnKey(format_entry(home.node, key), key.fingerprint)


def _settle(home: KeyOwner, key: PublicKey) -> None:
    _add_signer(home, key)
    public = home.path / "signing_key.pub"
    text = f"{key.line} {home.node}\n".encode()
    if not public.exists() or public.read_bytes() != text:
        write_durably(public, text, _PUBLIC_MODE)


def _add_signer(home: KeyOwner, key: PublicKey) -> None:
    text = _signers_text(home)
    line = format_entry(home.node, key)
    if line not in text.splitlines():
        added = f"{text.rstrip()}\n{line}\n".lstrip()
        write_durably(_signers_file(home), added.encode(), _PUBLIC_MODE)


def _signers_text(home: KeyOwner) -> str:
    path = _signers_file(home)
    try:
        return read_own(path, secret=False).decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise AllowedSignersError(f"{path}: {error}") from error
