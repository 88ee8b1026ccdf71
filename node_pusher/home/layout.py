"""The files of a home: where each of them is, and who may read it.

node.toml         the node's name, where its repo is, and where earlier ones are
spool.db          records that are not yet known to be on the remote
repo.git          the bare repo that is pushed; after a rollover repo.2.git, and so on
push.lock         held while a process commits or pushes
signing_key       signs every commit; readable by its owner alone, even in a shared home
signing_key.pub   its public half, for people
signing_key.next  the key of a rotation that is prepared or was interrupted
allowed_signers   the keys whose commits this home builds on: its own, past ones too
push_failed.json  why the last push failed; not there if it went well
listen.sock       where the listener takes records, unless it was given another path
"""

import stat
from pathlib import Path
from typing import Final

from node_pusher.home.errors import HomeError

FOLDER_MODE: Final = 0o700
OWNER_HINT: Final = "run it as the user who owns the home, or as one of its group"


def settings_file(home: Path) -> Path:
    """The settings."""
    return home / "node.toml"


def spool_file(home: Path) -> Path:
    """The spool."""
    return home / "spool.db"


def lock_file(home: Path) -> Path:
    """The lock that a process holds while it commits or pushes."""
    return home / "push.lock"


def key_file(home: Path) -> Path:
    """The private key that signs commits."""
    return home / "signing_key"


def public_key_file(home: Path) -> Path:
    """The public half of the key that signs commits."""
    return home / "signing_key.pub"


def next_key_file(home: Path) -> Path:
    """The private key of a rotation that is not complete."""
    return home / "signing_key.next"


def signers_file(home: Path) -> Path:
    """The public halves of all keys that ever signed here."""
    return home / "allowed_signers"


def failed_push_file(home: Path) -> Path:
    """Why the last push failed; there is none if it went well."""
    return home / "push_failed.json"


def socket_file(home: Path) -> Path:
    """The listener's socket, unless the listener was given another path."""
    return home / "listen.sock"


def make_folder(home: Path) -> None:
    """Make the folder of a home where there is none.

    Raises:
        HomeError: it cannot be made.
    """
    try:
        home.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    except OSError as error:
        hint = OWNER_HINT if isinstance(error, PermissionError) else ""
        raise HomeError(f"{error.filename}: {error.strerror}", hint=hint) from error


def is_shared(home: Path) -> bool:
    """Whether the folder's group may write to it, so that its services record here too.

    Then the group can write the spool and read the settings; otherwise only the owner can.
    """
    return bool(home.stat().st_mode & stat.S_IWGRP)
