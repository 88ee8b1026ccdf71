"""What can be wrong with a home's repo, in words, and the way out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pygit2

from node_pusher.home.errors import HomeError

_OBJECT: Final = re.compile(r"[0-9a-f]{40}")


@contextmanager
def repo_errors(repo: Path) -> Iterator[None]:
    """Where a home's repo is used: what libgit2 cannot read becomes an error with a way out.

    Args:
        repo: the folder of the repo.

    Raises:
        HomeError: the repo is missing or damaged.
    """
    try:
        yield
    except pygit2.GitError as error:
        state = "damaged" if repo.exists() else "missing"
        raise _broken(f"{repo} is {state}: {error}") from error
    except KeyError as error:
        missing = _OBJECT.search(str(error))  # how pygit2 says that an object is not there
        if missing is None:
            raise
        raise missing_object(repo, missing[0]) from error


def missing_object(repo: Path, name: str) -> HomeError:
    """The error of a repo without an object that must be there."""
    return _broken(f"{repo} is damaged: it lacks the object {name}")


def _broken(what: str) -> HomeError:
    return HomeError(
        what,
        hint="run it as the user who owns the home; if the repo is broken, move it aside (keep"
        " it: it may hold commits that were not pushed) and run `init` with --rejoin: records"
        " that were not pushed are in spool.db too",
    )
