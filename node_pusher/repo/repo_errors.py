"""libgit2's errors as errors of the home: what is wrong with its repo, and what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pygit2

from gitmeter.support.files import why_not_written
from gitmeter.support.owner import wrong_user
from node_pusher.home.errors import HomeError

_NOT_OWNED: Final = "not owned by current user"
_OBJECT: Final = re.compile(r"[0-9a-f]{40}")


@contextmanager
def repo_errors(repo: Path) -> Iterator[None]:
    """Turn what libgit2 cannot read into a HomeError that says what to do.

    Args:
        repo: the folder of the repo.

    Raises:
        HomeError: the repo is missing or damaged, or its disk takes nothing.
        WrongUserError: it belongs to another user.
    """
    try:
        yield
    except pygit2.GitError as error:
        if _NOT_OWNED in str(error):
            raise wrong_user(repo) from error
        says, do = why_not_written(repo)
        if says:
            raise HomeError(f"{says}: {error}", hint=do) from error
        state = "damaged" if repo.exists() else "missing"
        raise _broken(f"{repo} is {state}: {error}") from error
    except KeyError as error:
        missing = _OBJECT.search(str(error))  # pygit2 raises it for a missing object
        if missing is None:
            raise
        raise missing_object(repo, missing[0]) from error


def missing_object(repo: Path, name: str) -> HomeError:
    """The error for a repo that lacks an object it must have."""
    return _broken(f"{repo} is damaged: it lacks the object {name}")


def _broken(what: str) -> HomeError:
    return HomeError(
        what,
        hint="run it as the user who owns the home; if the repo is broken, move it aside (keep"
        " it: it may hold commits that were not pushed) and run `init` with --rejoin: records"
        " that were not pushed are in spool.db too",
    )
