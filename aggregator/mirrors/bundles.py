"""Git bundles: what some tips of a mirror reach, as one file that any git can read."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pygit2
from pygit2 import Oid

from aggregator.mirrors.mirror import MirrorError, readable
from gitmeter.git_remote.branch import BIG_FILE_BYTES
from gitmeter.git_remote.runner import config_environment, run_git
from gitmeter.support.errors import GitmeterError

_TIMEOUT_S: Final = 6 * 3600
_DISK_WORDS: Final = ("no space left", "file too large", "quota exceeded", "read-only file system")
AGGREGATOR_REFS: Final = "+refs/aggregator/*:refs/aggregator/*"
HEADS: Final = "+refs/heads/*:refs/heads/*"


class NotWrittenError(GitmeterError):
    """A bundle could not be written: most likely there is no room."""


class NotTakenError(GitmeterError):
    """Git does not take a bundle: it is damaged, or holds what no mirror may."""


def write_bundle(mirror: Path, refs: Mapping[str, str], bundle: Path, work: Path) -> None:
    """Bundle what some commits of a mirror reach.

    A bundle is made of refs, and those of the mirror may have moved on: so a repo beside it that
    borrows its objects gets refs of its own, and the mirror is only read.

    Args:
        mirror: has the commits.
        refs: the commits, by the names that the bundle has for them.
        bundle: the new file.
        work: where the repo beside it is made; gone afterwards.

    Raises:
        MirrorError: the mirror lacks one of them, or is damaged.
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
        [
            *("-c", f"core.bigFileThreshold={BIG_FILE_BYTES}", "-c", "pack.windowMemory=256m"),
            *("bundle", "create", "--quiet", str(bundle.absolute()), "--all"),
        ],
        cwd=work,
        timeout_s=_TIMEOUT_S,
    )
    shutil.rmtree(work)
    if result.returncode != 0:
        words = result.stderr.strip()
        if result.returncode < 0 or any(word in words.lower() for word in _DISK_WORDS):
            raise NotWrittenError(f"{bundle} cannot be written: {words or 'git died'}")
        raise MirrorError(f"the mirror {mirror} lacks an object or is damaged: {words}")


def read_bundle(bundle: Path, mirror: Path, *refspecs: str) -> None:
    """Take refs of a bundle, and all that they reach, into a mirror; every object is checked.

    Raises:
        NotTakenError: git refuses it.
    """
    settings = {
        "core.bigFileThreshold": str(BIG_FILE_BYTES),
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
    )
    if result.returncode != 0:
        raise NotTakenError(result.stderr.strip())
