"""Git bundles: everything that some tips of a mirror reach, in one file that any git can read."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pygit2
from pygit2 import Oid

from aggregator.mirrors.gc import MEMORY_BYTES_MAX
from aggregator.mirrors.mirror import MirrorError, readable
from gitmeter.git_remote.branch import PACKING_SETTINGS
from gitmeter.git_remote.runner import config_environment, run_git
from gitmeter.support.errors import GitmeterError

_TIMEOUT_S: Final = 6 * 3600
_DISK_WORDS: Final = ("no space left", "file too large", "quota exceeded", "read-only file system")
AGGREGATOR_REFS: Final = "+refs/aggregator/*:refs/aggregator/*"
HEADS: Final = "+refs/heads/*:refs/heads/*"


class NotWrittenError(GitmeterError):
    """A bundle could not be written; most likely the disk is full."""


class NotTakenError(GitmeterError):
    """Git refuses a bundle: it is damaged, or has an object that fails git's checks."""


def write_bundle(mirror: Path, refs: Mapping[str, str], bundle: Path, work: Path) -> None:
    """Write a bundle of everything that some commits of a mirror reach.

    A bundle is made from refs, and those of the mirror may have moved on. Therefore a temporary
    repo that borrows the mirror's objects gets the refs, and the mirror is only read.

    Args:
        mirror: the mirror that has the commits.
        refs: the commits, by the name that each gets in the bundle.
        bundle: the new file.
        work: path of the temporary repo; removed afterwards.

    Raises:
        MirrorError: the mirror lacks one of the commits, or is damaged.
        NotWrittenError: the bundle cannot be written.
    """
    repository = pygit2.init_repository(str(work), bare=True)
    (work / "objects" / "info" / "alternates").write_text(f"{mirror.absolute()}/objects\n")
    with readable(mirror):
        repository = pygit2.Repository(str(work))
        for ref, tip in refs.items():
            repository.references.create(ref, Oid(hex=tip))
    del repository
    result = run_git(
        ["bundle", "create", "--quiet", str(bundle.absolute()), "--all"],
        cwd=work,
        timeout_s=_TIMEOUT_S,
        environment=config_environment(PACKING_SETTINGS),
        memory_bytes_max=MEMORY_BYTES_MAX,
    )
    shutil.rmtree(work)
    if result.returncode != 0:
        words = result.stderr.strip()
        if result.returncode < 0 or any(word in words.lower() for word in _DISK_WORDS):
            raise NotWrittenError(f"{bundle} cannot be written: {words or 'git died'}")
        raise MirrorError(f"the mirror {mirror} lacks an object or is damaged: {words}")


def read_bundle(bundle: Path, mirror: Path, *refspecs: str) -> None:
    """Fetch refs of a bundle, and everything they reach, into a mirror; git checks every object.

    Raises:
        NotTakenError: git refuses the bundle.
    """
    settings = {
        **PACKING_SETTINGS,
        "transfer.fsckObjects": "true",
        "core.fsync": "all",
        "core.hooksPath": os.devnull,
    }
    result = run_git(
        [
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--"),
            *(str(bundle.absolute()), *refspecs),
        ],
        cwd=mirror,
        timeout_s=_TIMEOUT_S,
        environment=config_environment(settings),
        memory_bytes_max=MEMORY_BYTES_MAX,
    )
    if result.returncode != 0:
        raise NotTakenError(result.stderr.strip())
