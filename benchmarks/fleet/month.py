"""Measure what a month of hourly fetches leaves in each mirror, packed as the daemon packs.

`python -m benchmarks.fleet.month FOLDER MIRRORS FETCHES` prints one JSON object. The remotes are
folders, so no forge is measured; fetching, billing and packing are the daemon's own. The daemon
packs every ten minutes; here once after each fetch, as the other rounds would find nothing to do.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pygit2

from aggregator.cli.context import Context
from aggregator.daemon.loop import Daemon
from aggregator.daemon.reload import Reload
from aggregator.mirrors.gc import Packing, pack_count
from benchmarks.data import users_of
from benchmarks.fleet.forge import USERS, names
from tests.support.repos import RepoWriter, segment_path, usage_line

RECORDS_PER_FETCH: Final = 100
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
_BLOCK_BYTES: Final = 512
_SHOWN_EVERY: Final = 120


class Month(NamedTuple):
    """What is left after the month, per mirror.

    Attributes:
        mirrors, fetches: the number of mirrors, and of fetches of each.
        packs_max, files_max: the most packs and inodes, folders included, at any time.
        packs, files, disk_bytes: packs, inodes and bytes on disk of the largest mirror at the end.
        disk_bytes_max: bytes on disk before it was packed for the last time.
        rounds: how often all mirrors were packed.
        first_s, last_s: how long the first and the last round took per mirror.
        written_bytes: how much packing wrote in the whole month.
        database_bytes: the size of the ledger's database, per mirror.
    """

    mirrors: int
    fetches: int
    packs_max: int
    files_max: int
    packs: int
    files: int
    disk_bytes: int
    disk_bytes_max: int
    rounds: int
    first_s: float
    last_s: float
    written_bytes: int
    database_bytes: int


class Nodes:
    """Repos to each of which a commit is pushed every hour."""

    def __init__(self, folder: Path, count: int) -> None:
        self._writers = {name: RepoWriter(folder / f"{name}.git") for name in names(count)}
        self._users = users_of(USERS)
        self._hours = 0
        self.now = _BEGIN

    def toml(self) -> str:
        """The tables of the repos in the configuration."""
        return "".join(
            f'[[repo]]\nnode = "{name}"\nurl = "{writer.url}"\nallow_unsigned = true\n'
            for name, writer in self._writers.items()
        )

    def push(self) -> None:
        """Advance the clock by an hour and add a commit to each repo."""
        first = self._hours * RECORDS_PER_FETCH + 1
        self._hours += 1
        self.now = _BEGIN + self._hours * _HOUR
        for node, writer in self._writers.items():
            lines = [
                usage_line(
                    node=node,
                    seq=seq,
                    ts=f"{self.now - _HOUR + timedelta(microseconds=seq):%Y-%m-%dT%H:%M:%S.%fZ}",
                    user=self._users[seq * 7 % USERS],
                    units=seq % 3600,
                )
                for seq in range(first, first + RECORDS_PER_FETCH)
            ]
            files = {segment_path(self.now.date(), first): b"".join(lines)}
            writer.commit(files, when=self.now)


@contextmanager
def daemon_of(folder: Path, nodes: Nodes) -> Iterator[Daemon]:
    """Make a daemon that reads these repos; its clock is at their last commits."""
    config = folder / "aggregator.toml"
    config.write_text(f'state = "{folder / "state"}"\nsilent_after_s = 0\n{nodes.toml()}')
    with Context(config, None, verbose=False).writing() as (state, ledger):
        yield Daemon(state, ledger, lambda: nodes.now, Reload(lambda: state.config))


def measure(folder: Path, mirrors: int, fetches: int) -> Month:
    """Fetch and pack for a month."""
    folder.mkdir(parents=True)
    nodes = Nodes(folder, mirrors)
    state = folder / "state"
    packing = Packing(state / "mirrors", lambda: False)
    packs_max = files_max = written = disk_max = 0
    seconds: list[float] = []
    with daemon_of(folder, nodes) as daemon:
        # syncing is off only while the remotes are written, which is not measured
        for number in range(1, fetches + 1):
            pygit2.settings.enable_fsync_gitdir(value=False)
            nodes.push()
            pygit2.settings.enable_fsync_gitdir(value=True)
            daemon._pull()  # noqa: SLF001 - the loop's step itself, without its waiting
            paths = sorted((state / "mirrors").glob("*.git"))
            before = sum(map(pack_count, paths))
            packs_max = max(packs_max, *map(pack_count, paths))
            files_max = max(files_max, *(usage(path)[0] for path in paths))
            disk = max(usage(path)[1] for path in paths)
            began_s = time.perf_counter()
            packing._run()  # noqa: SLF001 - the round itself, not in a thread
            if sum(map(pack_count, paths)) < before:
                seconds.append((time.perf_counter() - began_s) / len(paths))
                written += max(pack_bytes(path) for path in paths)
                disk_max = disk
            if number % _SHOWN_EVERY == 0:
                print(f"# fetch {number} of {fetches}", flush=True)
    ended = [usage(path) for path in paths]
    database = sum(file.stat().st_size for file in state.glob("ledger.db*"))
    return Month(
        mirrors,
        fetches,
        packs_max,
        files_max,
        max(map(pack_count, paths)),
        max(files for files, _ in ended),
        max(size for _, size in ended),
        disk_max,
        len(seconds),
        seconds[0] if seconds else 0,
        seconds[-1] if seconds else 0,
        written,
        database // mirrors,
    )


def usage(folder: Path) -> tuple[int, int]:
    """Count the inodes of a folder and everything in it, and the bytes they take on disk."""
    stats = [path.lstat() for path in (folder, *folder.rglob("*"))]
    return len(stats), sum(stat.st_blocks * _BLOCK_BYTES for stat in stats)


def pack_bytes(mirror: Path) -> int:
    """The size of a mirror's packs, in bytes."""
    return sum(file.stat().st_size for file in (mirror / "objects" / "pack").iterdir())


def main() -> None:
    """Measure, and print the result."""
    folder, mirrors, fetches = sys.argv[1:]
    print(json.dumps(measure(Path(folder), int(mirrors), int(fetches))._asdict()))


if __name__ == "__main__":
    main()
