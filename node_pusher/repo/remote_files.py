"""Files that a home was joined without, fetched from its remote when they are needed."""

from typing import Final

from gitmeter.git_remote.branch import fetch
from gitmeter.git_remote.failures import failure
from gitmeter.git_remote.remote import environment
from gitmeter.git_remote.runner import GitResult, run_git
from node_pusher.home.home import HomeRepo

_TIMEOUT_S: Final = 1800
_WHOLE: Final = "refs/rejoin/whole"
_ONE_REFUSED: Final = "not allow request for unadvertised object"


def fetch_blob(repo: HomeRepo, blob: str) -> bytes:
    """A blob of a partial clone: git asks the remote for it and keeps it.

    A server that gives no single objects, as many do over ssh, gives all files instead.

    Raises:
        RemoteError: the remote does not provide it.
    """
    shown = _show(repo, blob)
    if shown.returncode != 0 and _ONE_REFUSED in shown.stderr:
        _fetch_all(repo)
        shown = _show(repo, blob)
    if shown.returncode != 0:
        raise failure(repo.remote.url, shown.stderr)
    return shown.stdout


def lacks_files(repo: HomeRepo, tip: str, base: str | None) -> bool:
    """Whether anything that the commits above `base` up to `tip` added is not in a repo here.

    Nothing is fetched for this.

    Args:
        repo: the repo.
        tip: the newest commit.
        base: the commit below them; None for all commits that the repo has.

    Raises:
        RemoteError: git cannot read the commits.
    """
    without = [] if base is None else [f"^{base}"]
    listed = run_git(
        ["rev-list", "--objects", "--missing=print", "--quiet", tip, *without],
        cwd=repo.path,
        timeout_s=_TIMEOUT_S,
    )
    if listed.returncode != 0:
        raise failure(str(repo.path), listed.stderr)
    return bool(listed.stdout)


def is_whole(repo: HomeRepo, tip: str) -> bool:
    """Whether a repo here has all commits below `tip`, and all their files.

    Raises:
        RemoteError: as `lacks_files`.
    """
    shallow = repo.path / "shallow"
    is_cut = shallow.exists() and bool(shallow.read_bytes())
    return not is_cut and not lacks_files(repo, tip, None)


def _show(repo: HomeRepo, blob: str) -> GitResult:
    return run_git(
        ["cat-file", "blob", blob],
        cwd=repo.path,
        timeout_s=_TIMEOUT_S,
        environment=environment(repo.remote),
    )


def _fetch_all(repo: HomeRepo) -> None:
    """Fetch once more what the remote's branch has, with the contents of all files."""
    fetch(
        repo.remote,
        repo.path,
        f"+refs/heads/{repo.branch}:{_WHOLE}",
        timeout_s=_TIMEOUT_S,
        options=("--refetch", "--no-filter"),
    )
