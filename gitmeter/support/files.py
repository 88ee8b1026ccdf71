"""Files and names that survive a loss of power."""

import os
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600
_AS_UMASK_SAYS: Final = 0o666


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(file: Path) -> None:
    """Write a file's content to disk."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def write_durably(file: Path, data: bytes, mode: int | None = _OWNER_ONLY) -> None:
    """Replace a file so that after a crash it is either the old or the new one, on disk.

    Args:
        file: the file to replace or make.
        data: its new content.
        mode: its mode; None to apply the umask.
    """
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)  # left by a process that died, or a planted link
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
