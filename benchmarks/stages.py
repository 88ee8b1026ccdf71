"""Measure where the time of a pull goes, with a stopwatch around the product's own functions.

A stage's time excludes the stages inside it. The stopwatches take time themselves, and nothing is
read ahead by other processes, so the sum is more than the time of an undisturbed pull.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from aggregator.admission.admission import Admission
from aggregator.cli.context import Context, now
from aggregator.ledger import pending
from aggregator.ledger.charges import columns as charging_columns
from aggregator.ledger.ledger import Ledger
from aggregator.ledger.reading import ahead, segment, walk
from aggregator.mirrors.mirror import Mirror
from aggregator.pulling.passes import Puller
from aggregator.rating.rating import Rater
from aggregator.store.account_rows import AccountRows
from aggregator.store.charges.charge_rows import ChargeRows
from aggregator.store.line_rows import LineRows
from aggregator.store.segment_rows import SegmentRows
from aggregator.store.store import LedgerStore
from benchmarks.place import Place
from wire_format import lines
from wire_format.lines import Usage

WALK: Final = "walk: compare each commit with its parent"
READ: Final = "read blobs"
DECODE: Final = "decode"
CHECK: Final = "check: encode again and compare, values, limits"
ADMIT: Final = "admit and group by charge"
RATE: Final = "rate"
APPLY: Final = "apply: merge charges and accounts"
WRITE: Final = "write rows"
COMMIT: Final = "commit"
REST: Final = "everything else"

STAGES: Final = (WALK, READ, DECODE, CHECK, ADMIT, RATE, APPLY, WRITE, COMMIT, REST)


class Stopwatch:
    """Adds up the time in each stage, without the stages inside it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner_s = [0.0]

    def around(self, owner: Any, name: str, stage: str) -> None:  # noqa: ANN401 - any owner
        """Replace a function of a module or class by one with the stopwatch around it."""
        timed = getattr(owner, name)
        setattr(owner, name, self.timed(timed, stage))

    def timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """Return a function with the stopwatch around it."""

        def run(*args: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes
            started = time.perf_counter()
            self._inner_s.append(0.0)
            try:
                return function(*args, **named)
            finally:
                passed = time.perf_counter() - started
                self.seconds[stage] += passed - self._inner_s.pop()
                self._inner_s[-1] += passed

        return run


def measure(place: Place) -> dict[str, float]:
    """Pull once and return the seconds of each stage."""
    decode_s = _decode_alone(place)
    watch = Stopwatch()
    setattr(ahead, "cores", lambda: 1)  # noqa: B010 - what others do could not be timed here
    watch.around(walk, "commit_delta", WALK)
    watch.around(Mirror, "first_parent", WALK)
    watch.around(Mirror, "blob_size", READ)
    watch.around(Mirror, "read_blob", READ)
    watch.around(pending, "read_segment", CHECK)
    watch.around(segment, "decode_valid", DECODE)
    watch.around(lines, "encode_decoded", CHECK)
    watch.around(pending, "grouped", ADMIT)
    watch.around(Admission, "count", ADMIT)
    watch.around(Admission, "admit", ADMIT)
    watch.around(Rater, "rate", RATE)
    watch.around(charging_columns, "rate_all", RATE)
    watch.around(Ledger, "apply", APPLY)
    for owner, name in (
        (ChargeRows, "save_numbers"),
        (AccountRows, "save"),
        (AccountRows, "of_users"),
        (LineRows, "add_seen"),
        (LineRows, "add_counts"),
        (SegmentRows, "insert"),
    ):
        watch.around(owner, name, WRITE)
    _time_commit(watch)
    context = Context(place.config_path, None, verbose=False)
    started = time.perf_counter()
    with context.writing() as (state, book):
        for _ in Puller(state, book, now).pull():
            pass
    total_s = time.perf_counter() - started
    found = dict(watch.seconds)
    # decode_valid decodes, then checks the values; only the first is decoding
    found[CHECK] += found[DECODE] - decode_s
    found[DECODE] = decode_s
    found[REST] = total_s - sum(found.values())
    return {stage: found[stage] for stage in STAGES}


def _time_commit(watch: Stopwatch) -> None:
    """Time the end of each ingest transaction."""
    transaction = LedgerStore.transaction

    @contextmanager
    def timed_transaction(store: LedgerStore) -> Iterator[None]:
        manager = transaction(store)
        manager.__enter__()
        yield
        watch.timed(manager.__exit__, COMMIT)(None, None, None)

    setattr(LedgerStore, "transaction", timed_transaction)  # noqa: B010 - replaced on purpose


def _decode_alone(place: Place) -> float:
    """Time decoding every segment, and nothing else."""
    context = Context(place.config_path, None, verbose=False)
    repo = next(repo for repo in context.state().repos.all() if repo.role == "usage")
    mirror = context.state().mirrors.open(repo)
    decoder = msgspec.json.Decoder(Usage)
    seconds = 0.0
    for oid in mirror.repository.odb:
        kind, data = mirror.repository.odb.read(oid)
        if kind == 3 and data.startswith(b'{"v"'):
            started = time.perf_counter()
            decoder.decode_lines(data)
            seconds += time.perf_counter() - started
    return seconds
