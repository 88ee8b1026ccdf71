"""A folder with the repos that are measured, and the state directory of an aggregator."""

import subprocess
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from aggregator.config.loading import load_config
from aggregator.config.settings import Config
from aggregator.mirrors.mirror import APPLIED_REF
from aggregator.mirrors.state import State
from aggregator.proof.rebuild import remove_database
from gitmeter.git_remote.branch import fetch
from gitmeter.git_remote.runner import clean_environment, run_git

NODE: Final = "bench-01"
BOOKS: Final = "books"
_GIT_TIMEOUT_S: Final = 3600


class CommitFiles(NamedTuple):
    """One commit to write: its time, message and files by path."""

    at: datetime
    message: str
    files: dict[str, bytes]


class Place(NamedTuple):
    """A folder with remotes, and the state directory of an aggregator."""

    folder: Path

    def origin(self, name: str) -> Path:
        """The remote of this name."""
        return self.folder / f"{name}.git"

    @property
    def mirror(self) -> Path:
        """The mirror of the node's repo."""
        return self.config().mirror_path(NODE)

    @property
    def books_mirror(self) -> Path:
        """The mirror of the books."""
        return self.config().mirror_path(BOOKS)

    @property
    def config_path(self) -> Path:
        """The file of the aggregator's configuration."""
        return self.folder / "aggregator.toml"

    def config(self) -> Config:
        """Read the configuration."""
        return load_config(self.config_path, environment={})

    def forget(self) -> None:
        """Remove the ledger and the accepted tips; what the mirrors have fetched stays."""
        config = self.config()
        remove_database(config.database_path)
        for repo in config.repo:
            _git("-C", str(config.mirror_path(repo.name)), "update-ref", "-d", APPLIED_REF)

    def fetch(self, state: State, *names: str) -> None:
        """Fetch repos into their mirrors as the aggregator does; all of them if none is named."""
        for repo in state.config.repo:
            if not names or repo.name in names:
                mirror = state.mirrors.open(repo.identity)
                refspec = f"+refs/heads/{repo.branch}:refs/heads/{repo.branch}"
                fetch(repo.remote, mirror.path, refspec, timeout_s=_GIT_TIMEOUT_S)


def provide(folder: Path, what: str, commits: Mapping[str, Iterable[CommitFiles]]) -> Place:
    """Write repos and mirror them, unless the folder already has them.

    Args:
        folder: the folder.
        what: says what they have; a folder with something else is refused.
        commits: those of the repo of each node, and of the books.
    """
    place = Place(folder)
    done = folder / "made"
    if not done.exists():
        folder.mkdir(parents=True)
        for name, wanted in commits.items():
            _import(place.origin(name), wanted)
        place.config_path.write_text(_config_toml(place, commits))
        place.fetch(State(place.config()))
        done.write_text(f"{what}\n")
    elif done.read_text() != f"{what}\n":
        raise SystemExit(f"{folder} has data of another size: {done.read_text()}")
    return place


def _config_toml(place: Place, names: Iterable[str]) -> str:
    tables = [
        f'[[repo]]\nnode = "{name}"\nurl = "{place.origin(name).as_uri()}"\n'
        f'role = "{"books" if name == BOOKS else "usage"}"\nallow_unsigned = true\n'
        for name in names
    ]
    return "".join([f'state = "{place.folder / "state"}"\n', *tables])


def _import(path: Path, commits: Iterable[CommitFiles]) -> None:
    """Write commits into a new bare repo and pack it as a forge's housekeeping would."""
    _git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
    process = subprocess.Popen(
        ["git", "-C", str(path), "fast-import", "--quiet", "--depth=0"],
        stdin=subprocess.PIPE,
        env=clean_environment(),
    )
    if process.stdin is None:
        raise RuntimeError("fast-import has no standard input")
    with process, process.stdin as stream:
        for commit in commits:
            seconds = int(commit.at.timestamp())
            message = commit.message.encode()
            stream.write(
                b"commit refs/heads/main\n"
                b"committer %b <%b@example.invalid> %d +0000\n"
                b"data %d\n%b\n" % (NODE.encode(), NODE.encode(), seconds, len(message), message)
            )
            for name, data in commit.files.items():
                stream.write(b"M 100644 inline %b\ndata %d\n" % (name.encode(), len(data)))
                stream.write(data + b"\n")
    if process.returncode != 0:
        raise RuntimeError(f"git fast-import failed with {process.returncode}")
    _git("-C", str(path), "repack", "-a", "-d", "-f", "--quiet")


def _git(*args: str) -> None:
    result = run_git(args, timeout_s=_GIT_TIMEOUT_S)
    if result.returncode != 0:
        raise RuntimeError(f"git {args[0]} failed: {result.stderr}")
