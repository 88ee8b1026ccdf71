"""The Python API of the spool: what a service on a node calls."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from gitmeter.roles.role import Role
from node_pusher.home.home import Home
from node_pusher.home.settings_file import read_home
from node_pusher.spool.clock import usable
from node_pusher.spool.drafts import Draft, draft_inputs, draft_lines
from node_pusher.spool.inputs import UsageInput, convert_input
from node_pusher.spool.outcomes import InvalidRecordError, Recorded, Refusal
from node_pusher.spool.store import Store
from wire_format.fields import APPLIES_TO_DEFAULT
from wire_format.instants import to_us
from wire_format.lines import Folder, Line

T = TypeVar("T")
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class Spool:
    """An open spool; use it in a `with` block. Safe with several threads and processes.

    A record is on disk (fsync) before the method that took it returns.

    Attributes:
        node: the node that records.
        home: its home.
        store: its file.
    """

    def __init__(self, home: Home, store: Store, clock: Clock) -> None:
        self.node = home.node
        self.home = home
        self.store = store
        self._clock = clock

    @classmethod
    def open(cls, home: str | Path, *, role: Role = "usage", clock: Clock = utc_now) -> Self:
        """Open the spool of a home.

        Args:
            home: its folder.
            role: what the home must carry: `usage` for a node, `books`, `till` or `desk`.
            clock: returns the time in UTC.

        Raises:
            NotInitialisedError: no `init` was run there.
            HomeError: the home cannot be used, or has another role.
            SpoolError: the spool cannot be opened.
        """
        found = read_home(Path(home), role)
        return cls(found, Store.open(found.spool_file, found.node), clock)

    def now(self) -> datetime:
        """The time of records that state none.

        Raises:
            ClockError: this machine's clock is certainly wrong.
        """
        return usable(self._clock())

    def record(  # noqa: PLR0913 - the fields of a record
        self,
        *,
        user: str,
        resource: str,
        units: int,
        applies_to: str = APPLIES_TO_DEFAULT,
        instance: str | None = None,
        id: str | None = None,  # noqa: A002 - the field's own name
        ts: datetime | str | None = None,
        meta: Mapping[str, int | str] | None = None,
    ) -> Recorded:
        """Record one use.

        Args:
            user: who pays.
            resource: what was used, unit included: `vm/small/seconds`.
            units: how much of it, in whole units, 0 or more.
            applies_to: discount category: `hero_os_hourly`, `llm` or `vm`.
            instance: which VM, API key or project.
            id: your own key: the same id and content gives the same `seq` again, for 7 days at
                least.
            ts: an instant inside the time it covers, with its offset; now when None.
            meta: shown in audits.

        Raises:
            InvalidRecordError: it breaks a rule, or `id` was used with other content.
            SpoolError: it could not be written, or this machine's clock is certainly wrong
                (`ClockError`); nothing was recorded.
        """
        values = {
            "user": user,
            "resource": resource,
            "units": units,
            "applies_to": applies_to,
            "instance": instance,
            "id": id,
            "ts": ts,
            "meta": meta,
        }
        return self._record_all([values], ("",))[0]

    def record_many(self, records: Iterable[Mapping[str, Any]]) -> list[Recorded]:
        """Record several uses, all or none of them, in one transaction.

        Args:
            records: each with the arguments of `record` as keys.

        Raises:
            InvalidRecordError: one of them breaks a rule; nothing was recorded.
            SpoolError: they could not be written, or this machine's clock is certainly wrong
                (`ClockError`); nothing was recorded.
        """
        listed = list(records)
        return self._record_all(listed, [f"record {i}: " for i in range(1, len(listed) + 1)])

    def append(self, folder: Folder, lines: Sequence[Line]) -> list[Recorded | Refusal]:
        """Record lines of any folder in one transaction; each valid one gets its `seq`.

        Args:
            folder: the folder of the repo that the lines go to.
            lines: of this node, with `seq` set to `node_pusher.spool.drafts.UNNUMBERED`.

        Raises:
            SpoolError: they could not be written, or this machine's clock is certainly wrong
                (`ClockError`); nothing was recorded.
        """
        return self.append_drafts(folder, draft_lines(lines, self.node, folder))

    def append_inputs(
        self, inputs: Iterable[UsageInput | Refusal], owners: Sequence[int] = ()
    ) -> list[Recorded | Refusal]:
        """Record the valid uses in one transaction; refusals stay in their place.

        Args:
            inputs: the uses.
            owners: for each the local user whose `id` it has; empty if all are this process's
                user's.

        Raises:
            SpoolError: they could not be written, or this machine's clock is certainly wrong
                (`ClockError`); nothing was recorded.
        """
        drafts = draft_inputs(inputs, self.node, self.now())
        if owners:
            drafts = [
                draft._replace(owner=owner) if isinstance(draft, Draft) and draft.id else draft
                for draft, owner in zip(drafts, owners, strict=True)
            ]
        return self.append_drafts(Folder.USAGE, drafts)

    def append_drafts(
        self, folder: Folder, drafts: Sequence[Draft | Refusal], *, by: str = ""
    ) -> list[Recorded | Refusal]:
        """Number and write the drafts; a refusal stays in its place.

        Args:
            folder: the folder of the repo that the lines go to.
            drafts: what is to be recorded.
            by: who entered them, which their commit says; empty if nobody did.
        """
        good = [draft for draft in drafts if isinstance(draft, Draft)]
        written = iter(self.store.append(folder, good, to_us(self.now()), by=by) if good else ())
        return [next(written) if isinstance(draft, Draft) else draft for draft in drafts]

    def _record_all(
        self, records: Sequence[Mapping[str, Any]], names: Sequence[str]
    ) -> list[Recorded]:
        """Record all or none; `names` say in errors which record is meant."""
        now = self.now()
        inputs = _checked(names, [_as_input(values) for values in records])
        drafts = _checked(names, draft_inputs(inputs, self.node, now))
        outcomes = self.store.append(Folder.USAGE, drafts, to_us(now), all_or_none=True)
        return _checked(names, outcomes)

    def close(self) -> None:
        """Close the spool."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _as_input(values: Mapping[str, Any]) -> UsageInput | Refusal:
    ts = values.get("ts")
    if isinstance(ts, datetime):
        values = {**values, "ts": ts.isoformat()}
    return convert_input(values)


def _checked(names: Sequence[str], outcomes: Sequence[T | Refusal]) -> list[T]:
    good: list[T] = []
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, Refusal):
            raise InvalidRecordError(f"{name}{outcome.reason}", retry=outcome.retry)
        good.append(outcome)
    return good
