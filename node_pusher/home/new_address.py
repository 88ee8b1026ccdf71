"""Commands to paste where a home needs another repo or address, or its remote has more. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager

from gitmeter.git_remote.failures import RepoGoneError
from gitmeter.roles.role import PROGRAMS
from gitmeter.support.terminal import pasted
from node_pusher.home.home import Home, HomeRepo
from node_pusher.home.repo_place import BRANCH_DEFAULT


def set_remote_line(home: Home, url: str = "URL") -> str:
    """The command by which a home takes a new address."""
    return pasted(*_program(home.repo), "set-remote", url)


def rejoin_line(home: Home, url: str) -> str:
    """The command by which a home takes over what its remote has."""
    branch = [] if home.repo.branch == BRANCH_DEFAULT else ["--branch", home.repo.branch]
    words = ("init", "--node", home.node, "--remote", url, *branch, "--rejoin")
    return pasted(*_program(home.repo), *words)


def rollover_line(repo: HomeRepo) -> str:
    """The command by which the home of a repo goes on in its next one."""
    return pasted(*_program(repo), "rollover", "--remote", "URL")


@contextmanager
def naming_new_address(home: Home) -> Iterator[None]:
    """Say, where there is no repo at a home's address, what may have happened and what to do."""
    try:
        yield
    except RepoGoneError as error:
        raise with_new_address(error, home) from error


def with_new_address(error: RepoGoneError, home: Home) -> RepoGoneError:
    """The error with a hint for the home whose repo it is about."""
    if error.moved_to:
        hint = f"the repo has moved: {set_remote_line(home, error.moved_to)}"
    else:
        hint = (
            "the repo was renamed, moved or deleted, or this key or token may not see it; if it is"
            f" at another address now: {set_remote_line(home)}"
        )
    return RepoGoneError(str(error), hint=hint)


def _program(repo: HomeRepo) -> tuple[str, str, str]:
    return PROGRAMS[repo.role], "--home", str(repo.home.absolute())
