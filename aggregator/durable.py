"""Files and names that last through a loss of power."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make what was renamed in a folder last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make a file's content last through a loss of power."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file so that after a crash it is either the old or the new one, on disk."""
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(data)
    sync_file(draft)
    draft.replace(path)
    sync_folder(path.parent)
