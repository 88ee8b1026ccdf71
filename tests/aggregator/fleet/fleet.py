"""A forge with registered nodes and the sweeps of one aggregator, with a clock set by hand.

with Fleet(tmp_path) as fleet:
    fleet.register("node-1")
    fleet.use("node-1")
    fleet.sweep()  # the names of the repos that were probed
"""

import signal
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from aggregator.cli.context import opening
from aggregator.config.loading import load_config
from aggregator.config.nodes_dir import write_registration
from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration
from aggregator.daemon.loop import Daemon
from aggregator.daemon.reload import Reload
from aggregator.fleet.registration_watch import RegistrationWatch
from aggregator.fleet.sweep import Sweep
from aggregator.incidents.kinds import IncidentKind
from aggregator.ledger.ledger import Ledger
from aggregator.mirrors.state import State
from aggregator.pulling.passes import Puller
from aggregator.pulling.repo_pass import RepoReport
from aggregator.reports import repos
from gitmeter.signing.signing_key import new_signing_key
from tests.support.files import write_secret, write_toml
from tests.support.forge import ForgeServer
from tests.support.ledger.world import DAY
from tests.support.repos import segment_path, usage_line

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = new_signing_key()


@contextmanager
def daemon_of(fleet: "Fleet") -> Iterator[Daemon]:
    """The daemon itself, of which no more than single passes are made."""
    before = signal.getsignal(signal.SIGHUP)
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        pytest.MonkeyPatch.context() as patch,
    ):
        address = fleet.folder / f"notify-{time.monotonic_ns()}"
        systemd.bind(str(address))
        patch.setenv("NOTIFY_SOCKET", str(address))
        reload = Reload(lambda: fleet.state.config)
        made = Daemon(fleet.state, fleet.ledger, lambda: fleet.now, reload)
        made._presence._systemd.socket.settimeout(0)  # nobody reads what it sends
        yield made
        made._presence._systemd.socket.close()
    signal.signal(signal.SIGHUP, before)


class Fleet:
    """Registered nodes on a test forge.

    Attributes:
        forge: the forge; its clock is `now`.
        now: the time by every clock.
        reports: the reports of the last sweep, by the repo's name.
    """

    def __init__(self, folder: Path, **forge: object) -> None:
        self.folder = folder
        self.now = START
        self.forge = ForgeServer(folder / "forge", clock=lambda: self.now, **forge)  # type: ignore[arg-type]
        self.reports: Mapping[str, RepoReport] = {}
        self._numbers: dict[str, int] = {}
        self._stack = ExitStack()

    @property
    def nodes_dir(self) -> Path:
        """The folder of registrations."""
        return self.folder / "nodes.d"

    def register(self, *names: str, **values: Any) -> None:  # noqa: ANN401 - as the model has them
        """Make the repos of nodes on the forge and register them; `n.2027` is a repo of `n`."""
        for name in names:
            repo = self.forge.create(f"billing-{name}")
            self.bind(name, repo.id, **values)

    def bind(self, name: str, forge_id: int, **values: Any) -> None:  # noqa: ANN401
        """Register a repo that exists."""
        node = name.partition(".")[0]
        stated = {
            "node": node,
            "registered_at": START,
            "keys": (RegisteredKey(line=KEY.public.line, added_at=START),),
            "repos": (RegisteredRepo(name=name, forge_name=f"billing-{name}", forge_id=forge_id),),
        }
        write_registration(self.nodes_dir, Registration.model_validate(stated | values))

    def use(self, *names: str) -> None:
        """Let nodes push one record each, a minute later."""
        self.now += MINUTE
        for name in names:
            seq = self._numbers[name] = self._numbers.get(name, 0) + 1
            node = name.partition(".")[0]
            writer = self.forge.writer(f"billing-{name}")
            writer.signer = KEY.sign
            line = usage_line(node=node, seq=seq)
            writer.commit({segment_path(DAY, seq): line}, when=self.now)
            self.forge.touch(f"billing-{name}")

    def sweep(self, after: timedelta = MINUTE) -> set[str]:
        """One pass of the daemon; returns the names of the repos that it probed."""
        self.now += after
        store = self.ledger.store
        for name in self.registrations.refresh(store, self.now):
            self.sweeping.forget(name)
        due = self.sweeping.due(store)
        puller = Puller(self.state, self.ledger, lambda: self.now)
        found = {report.name: report for report in puller.pull(skip=lambda n: n not in due)}
        for report in found.values():
            self.sweeping.note(report)
        self.reports = found
        return set(found)

    def incidents(self) -> dict[str, set[str]]:
        """The subjects of open incidents, by kind; no books, so all usage is without a price."""
        found: dict[str, set[str]] = {}
        for row in repos.incidents(self.ledger.store):
            if row["kind"] != IncidentKind.UNPRICED:
                found.setdefault(row["kind"], set()).add(row["repo"] or row["subject"])
        return found

    def restart(self) -> None:
        """Start a new process of the daemon: what it kept in memory is gone."""
        self._stack.close()
        self._open()

    def lose_ledger(self) -> None:
        """Lose the database; the next process rebuilds it from the mirrors."""
        self._stack.close()
        for path in self.state.config.state.glob("ledger.db*"):
            path.unlink()
        self._open()

    def close(self) -> None:
        """End the process of the daemon."""
        self._stack.close()

    def _open(self) -> None:
        self.state = State(load_config(self.folder / "aggregator.toml", environment={}))
        store = opening(self.state).open_or_rebuild()
        self._stack.callback(store.close)
        self.ledger = Ledger(store, self.state.config)
        self.registrations = RegistrationWatch(self.state)
        self.sweeping = Sweep(self.state, lambda: self.now)

    def __enter__(self) -> Self:
        self.forge.__enter__()
        token = write_secret(self.folder / "token", self.forge.admin_token)
        forge = {
            "kind": "forgejo",
            "url": self.forge.base_url,
            "org": self.forge.org.name,
            "token_file": token,
        }
        values = {"state": self.folder / "state", "fetch_workers": 2, "forge": forge}
        write_toml(self.folder / "aggregator.toml", values)
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        self.forge.__exit__(kind, error, trace)
