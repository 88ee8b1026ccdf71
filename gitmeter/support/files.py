"""Files and names that survive a loss of power, and why a disk takes none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

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
    with replacing(file, mode) as stream:
        stream.write(data)


@contextmanager
def replacing(file: Path, mode: int | None = _OWNER_ONLY) -> Iterator[BinaryIO]:
    """Write what replaces a file in the end; after a crash or an error it is still the old one.

    Args:
        file: the file to replace or make.
        mode: its mode; None to apply the umask.

    Yields:
        A stream of the new content.
    """
    draft = file.with_name(f".{file.name}.new")
    draft.unlink(missing_ok=True)  # left by a process that died, or a planted link
    made_with = _AS_UMASK_SAYS if mode is None else _OWNER_ONLY
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, made_with)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if mode is not None:
                os.fchmod(descriptor, mode)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def why_not_written(path: Path) -> tuple[str, str]:
    """What keeps the disk of a file or folder from taking another file.

    Args:
        path: the file or folder; its nearest folder that exists is looked at.

    Returns:
        what is wrong and what to do, in a sentence each; empty if nothing is.
    """
    folder = next((each for each in (path, *path.parents) if each.exists()), Path("/"))
    try:
        disk = os.statvfs(folder)
    except OSError:
        return "", ""
    if disk.f_flag & os.ST_RDONLY:
        return f"the disk of {folder} is mounted read-only", "mount it for writing, then try again"
    if disk.f_files > 0 and disk.f_favail == 0:
        do = "remove small files there (df -i shows how many it may have), then try again"
        return f"the disk of {folder} has no inodes left, so it takes no further file", do
    if disk.f_bavail == 0:
        return f"the disk of {folder} is full", "make room there, then try again"
    return "", ""
