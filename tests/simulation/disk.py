"""Folders as they are at one moment: what a killed process leaves, backups, and torn logs."""

import os
import shutil
from pathlib import Path
from typing import Final

_NEVER_CHANGED: Final = "objects"
"""Files below a folder of this name are written once: a copy may share them."""


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder as it is now; git's objects are shared, everything else is a copy."""
    shutil.copytree(source, target, symlinks=True, copy_function=_copy)


def _copy(source: str, target: str) -> None:
    if f"/{_NEVER_CHANGED}/" in source:
        os.link(source, target)
    else:
        shutil.copyfile(source, target)
        shutil.copymode(source, target)


def replace_folder(folder: Path, other: Path) -> None:
    """Put another folder in the place of one, whatever that one holds."""
    remove_folder(folder)
    other.rename(folder)


def remove_folder(folder: Path) -> None:
    """Remove a folder if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def copy_database(source: Path, target: Path) -> None:
    """Copy a database that no process has open, with the log that a killed one left."""
    for suffix in ("", "-wal"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
        part = source.with_name(source.name + suffix)
        if part.exists():
            shutil.copyfile(part, target.with_name(target.name + suffix))


def remove_database(path: Path) -> None:
    """Lose a database with everything that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def write_log(log: Path, data: bytes) -> None:
    """Let a database have this log, as after a loss of power; its index in memory is gone."""
    log.write_bytes(data)
    log.with_name(log.name.removesuffix("-wal") + "-shm").unlink(missing_ok=True)
