"""A clock that only the test moves, and homes on remotes of this machine."""

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gitmeter.git_remote.remote import Remote
from node_pusher.home.home import Home, new_home
from node_pusher.home.settings_file import read_home
from node_pusher.joining.init import init
from node_pusher.joining.trust import OWN_KEYS_ONLY, Vouched
from node_pusher.sending.commit import locked_repo
from node_pusher.spool.api import Spool
from tests.support.git_http import GitHttpServer
from tests.support.repos import RepoWriter, bare_repo
from wire_format.instants import parse_ts
from wire_format.lines import Folder
from wire_format.segment import decode_segment

NODE = "embedder-01"
START = parse_ts("2026-11-21T13:05:00Z")


class FixedClock:
    """Says `now` until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


MakeHome = Callable[..., Home]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def remote_dir(tmp_path: Path) -> Path:
    return bare_repo(tmp_path / "remote.git")


@pytest.fixture
def make_home(tmp_path: Path, remote_dir: Path) -> MakeHome:
    """Makes a home of the node, on the remote over files unless told."""

    def make(
        name: str = "home",
        remote: Remote | None = None,
        node: str = NODE,
        vouched: Vouched = OWN_KEYS_ONLY,
    ) -> Home:
        home = new_home(tmp_path / name, node, remote or Remote(remote_dir.as_uri()))
        init(home, START, vouched=vouched)
        return home

    return make


@pytest.fixture(scope="session")
def new_node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home and its remote, to be copied: `init` takes longer than most of what follows."""
    folder = tmp_path_factory.mktemp("new_node")
    remote = bare_repo(folder / "remote.git")
    init(new_home(folder / "home", NODE, Remote(remote.as_uri())), START)
    return folder


@pytest.fixture
def home(new_node: Path, tmp_path: Path, remote_dir: Path) -> Home:
    """A home of the node, on the remote over files."""
    shutil.copytree(new_node / remote_dir.name, remote_dir, dirs_exist_ok=True)
    shutil.copytree(new_node / "home", tmp_path / "home")
    for file in (tmp_path / "home" / "node.toml", tmp_path / "home" / "repo.git" / "config"):
        file.write_text(file.read_text().replace(str(new_node), str(tmp_path)))
    return read_home(tmp_path / "home")


@pytest.fixture
def server(tmp_path: Path, remote_dir: Path) -> Iterator[GitHttpServer]:
    """Serves the remote over http."""
    del remote_dir
    with GitHttpServer(tmp_path) as running:
        yield running


@pytest.fixture
def http_home(server: GitHttpServer, remote_dir: Path, make_home: MakeHome) -> Home:
    """A home whose remote is served over http."""
    return make_home("http-home", Remote(server.url(remote_dir.name)))


def record(home: Home, count: int = 1, *, start: datetime = START) -> None:
    """Record `count` uses, one a second, the last one at `start`."""
    with Spool.open(home.path, clock=lambda: start) as spool:
        spool.record_many(
            {
                "user": f"user-{i % 3}",
                "resource": "llm/openai/gpt-4o/output_tokens" if i % 2 else "hero_os/seconds",
                "units": i + 1,
                "ts": start - timedelta(seconds=count - 1 - i),
            }
            for i in range(count)
        )


def commit_file(home: Home, path: str, data: bytes, message: str) -> None:
    """Commit a plain file, as the books do their rule book."""
    with locked_repo(home) as repo:
        repo.commit({path: data}, message, START)


def spool_count(home: Home) -> int:
    """How many records are in the spool."""
    with Spool.open(home.path) as spool:
        return spool.store.count()


def files_of(remote_dir: Path) -> dict[str, bytes]:
    """Every file at the tip of a remote."""
    writer = RepoWriter(remote_dir)
    tip = writer.tip()
    return {} if tip is None else dict(writer.files(tip))


def seqs_of(remote_dir: Path, folder: Folder) -> list[int]:
    """The number of every line that a remote has in a folder, each segment whole and valid."""
    found = []
    for path, data in files_of(remote_dir).items():
        if path.startswith(f"{folder}/"):
            segment = decode_segment(data, folder)
            assert not segment.rejects
            found += [line.seq for line in segment.records]
    return sorted(found)
