"""Why nothing can be written to a disk: it is read-only, full, or has no inodes left."""

import os
from pathlib import Path


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
