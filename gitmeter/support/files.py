"""Files and names that last through a loss of power."""

import os
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600
_AS_UMASK_SAYS: Final = 0o666


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(file: Path) -> None:
    """Have a file's content on disk."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def write_durably(file: Path, data: bytes, mode: int | None = _OWNER_ONLY) -> None:
    """Replace a file so that after a crash it is either the old or the new one, on disk.

    Args:
        file: to be replaced or made.
        data: its content.
        mode: its mode; None as the umask says.
    """
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)  # of a process that died; or a link that somebody left there
    made_with = _AS_UMASK_SAYS if mode is None else _OWNER_ONLY
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, made_with)
    with os.fdopen(descriptor, "wb") as stream:
        if mode is not None:
            os.fchmod(descriptor, mode)
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
    sync_folder(file.parent)
