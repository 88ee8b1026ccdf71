"""Files and names that survive a loss of power, and why a disk takes none."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Final

_OWNER_ONLY: Final = 0o600
_AS_UMASK_SAYS: Final = 0o666
_WITHOUT_NAMELESS: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})
"""What disks and kernels say that know no files without a name."""


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


@contextmanager
def replacing(file: Path) -> Iterator[BinaryIO]:
    """Write what takes the place of a file once it is whole; until then it is the old one.

    Several at a time do not meet: the one that ends last stays. The new file has the mode of the
    old one, and its owner where that is allowed. What `file` links to is replaced, not the link,
    and what is no regular file, such as a pipe, is written to.

    Args:
        file: the file to replace or make.

    Yields:
        A stream of the new content.
    """
    if file.exists() and not file.is_file():
        with file.open("wb") as stream:
            yield stream
        return
    file = file.resolve()
    descriptor, draft = _draft_for(file)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _take_after(descriptor, file)
            yield stream
            stream.flush()
            os.fsync(descriptor)
            if draft is None:
                draft = file.with_name(f".{file.name}.{os.getpid()}.new")
                draft.unlink(missing_ok=True)  # left by a process of that number
                # Python follows the link only where a folder is stated, which the path then ignores
                os.link(f"/proc/self/fd/{descriptor}", draft, src_dir_fd=descriptor)
        draft.replace(file)
    except BaseException:
        if draft is not None:
            draft.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def _draft_for(file: Path) -> tuple[int, Path | None]:
    """An open draft beside a file, and its name: none where a process may be killed unharmed."""
    try:
        return os.open(file.parent, os.O_WRONLY | os.O_TMPFILE, _OWNER_ONLY), None
    except OSError as error:
        if error.errno not in _WITHOUT_NAMELESS:
            raise
    descriptor, name = mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    return descriptor, Path(name)


def _take_after(descriptor: int, file: Path) -> None:
    """Give an open draft the mode and owner of the file that it replaces."""
    try:
        old = file.stat()
    except FileNotFoundError:
        umask = os.umask(0o077)
        os.umask(umask)
        os.fchmod(descriptor, _AS_UMASK_SAYS & ~umask)
        return
    with suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


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
