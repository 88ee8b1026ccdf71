"""A daemon that bills records as fast as a node pushes them, beside the portal.

It has a copy of the ledger, so that the ledger that is kept stays as it is. The node is a program
of its own: `python -m benchmarks.portal.beside CONFIG REPO ACCOUNTS RATE` pushes a commit each
second, and has the daemon look at once, as the hook of a forge does.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Final

from aggregator.cli.context import now as clock
from aggregator.config.loading import load_config
from aggregator.daemon.asked import AskedPulls
from aggregator.store.store import open_for_reading
from benchmarks.data import RESOURCES, segment_commit, usage, users_of
from benchmarks.place import Place
from benchmarks.portal.ledger import PortalLedger
from gitmeter.git_remote.runner import clean_environment
from tests.support.repos import RepoWriter

NODE: Final = "busy-01"
_PROGRAM: Final = Path(sys.executable).with_name("aggregator")
_START_S: Final = 60
_BEHIND_S: Final = 5
"""Records of so many last seconds may not be billed yet."""


@contextmanager
def billing(ledger: PortalLedger, folder: Path, rate: int) -> Iterator[PortalLedger]:
    """Bill until the block ends; gives the ledger that is billed into.

    Args:
        ledger: what is copied.
        folder: an empty one.
        rate: records that are pushed in a second.

    Raises:
        RuntimeError: the daemon does not keep up.
    """
    place = Place(folder)
    copytree(ledger.place.config().state, folder / "state")
    writer = RepoWriter(place.origin(NODE))
    text = ledger.place.config_path.read_text()
    place.config_path.write_text(
        text.replace(f'"{ledger.place.folder}/state"', f'"{folder}/state"', 1)
        + f'[[repo]]\nnode = "{NODE}"\nurl = "{writer.url}"\nallow_unsigned = true\n'
    )
    node = [sys.executable, "-m", __name__, str(place.config_path), str(writer.path)]
    daemon = [str(_PROGRAM), "--config", str(place.config_path), "run"]
    with (
        _running(daemon, clean_environment()),
        _running([*node, str(len(ledger.users)), str(rate)], None),
    ):
        _until_billed(place, 1)
        begun_s, before = time.monotonic(), _billed(place)
        yield ledger._replace(place=place)
        seconds = time.monotonic() - begun_s
        if (found := _billed(place) - before) < (seconds - _BEHIND_S) * rate:
            raise RuntimeError(f"{found} records were billed in {seconds:.0f} s")


@contextmanager
def _running(command: list[str], environment: dict[str, str] | None) -> Iterator[None]:
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def _until_billed(place: Place, number: int) -> None:
    until_s = time.monotonic() + _START_S
    while _billed(place) < number:
        if time.monotonic() > until_s:
            raise RuntimeError("the daemon bills nothing")
        time.sleep(1)


def _billed(place: Place) -> int:
    """How many records of the node are billed."""
    with open_for_reading(place.config().database_path) as store, store.view():
        node = store.repos.find_node(NODE)
        ranges = () if node is None else store.lines.seen(node)
        return sum(each.last - each.first + 1 for each in ranges)


def main() -> None:
    """Push until a signal ends it."""
    config, repo, accounts, rate = sys.argv[1:]
    users, each = users_of(int(accounts)), int(rate)
    writer, asked = (
        RepoWriter(Path(repo)),
        AskedPulls(load_config(Path(config), environment={}).state),
    )
    due_s, seq = time.monotonic(), 1
    while True:
        at = clock() - timedelta(seconds=1)
        lines = [
            usage(
                seq + place,
                users[(seq + place) * 7919 % len(users)],
                at + timedelta(microseconds=place),
                RESOURCES[place % len(RESOURCES)],
                units=place + 1,
                node=NODE,
            )
            for place in range(each)
        ]
        seq += each
        commit = segment_commit(at + timedelta(seconds=1), lines)
        writer.commit(dict(commit.files), message=commit.message, when=commit.at)
        asked.ask(NODE)
        due_s += 1
        time.sleep(max(0.0, due_s - time.monotonic()))


if __name__ == "__main__":
    main()
