"""The actors: a client and a timer at each node and at the books, and the aggregator."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.torture.actors import FAILED, OK, TRY_LATER, Actor, Piece
from tests.torture.journal import Journal, Payment, Use
from tests.torture.killing import Ending
from tests.torture.place import BOOKS, Place

RECORD: Final = "node-pusher record -"
PUSH: Final = "node-pusher push"
PAY: Final = "books pay"
BOOKS_PUSH: Final = "books push"
PULL: Final = "aggregator pull"
RUN: Final = "aggregator run"

_ID_SHARE: Final = 0.7
_AGAIN_SHARE: Final = 0.1
"""How often a client sends once more what was acknowledged: the answer got lost on its way."""

_BATCHES: Final = (1, 5, 40, 40, 400)
_PIECES_MAX: Final = 6
_PIECE_PAUSE_S: Final = 0.05
_RUN_LIFE_S: Final = 0.9
_RUN_LIFE_LONG_S: Final = 8
_RUN_LONG_SHARE: Final = 0.1


class Recorder(Actor):
    """A service: streams its uses to `record -`, and retries those with an `id` after a kill.

    `record -` speaks once, when the stream has ended: that is the acknowledgement of all of it. Of
    a run that was killed the client knows nothing, and a use without an `id` it never sends again.
    """

    def __init__(self, place: Place, journal: Journal, rng: Random, wanted: int, node: str) -> None:
        super().__init__(place, journal, rng, wanted)
        self._node = node
        self._pending: list[Use] = []

    def act(self) -> None:
        """Send some new uses, and again what waits for an answer."""
        count = self.rng.choice(_BATCHES)
        fresh = [self._new_use() for _ in range(count)]
        again = self._pending if self.rng.random() < 2 / 3 else self._pending[: count // 2]
        batch = [*fresh, *again]
        self.rng.shuffle(batch)
        self._send(batch)

    def finish(self) -> None:
        """Retry until everything with an `id` is acknowledged."""
        if self._pending:
            self._send(list(self._pending), left_alone=True)

    def _new_use(self) -> Use:
        with_id = self.rng.random() < _ID_SHARE
        return self.journal.new_use(self.rng, self._node, with_id=with_id)

    def _send(self, batch: list[Use], *, left_alone: bool = False) -> None:
        for use in batch:
            use.tries += 1
        ending = self.run(
            RECORD,
            self.place.on(self._node, "record", "-", "--json"),
            feed=self._pieces(b"".join(use.line for use in batch)),
            left_alone=left_alone,
        )
        told = not ending.hit and ending.code == OK
        if told:
            self._check_answer(ending, batch)
        waiting = {use.number: use for use in (*self._pending, *batch) if "id" in use.values}
        for use in batch:
            use.acknowledged = use.acknowledged or told
            if told and self.rng.random() >= _AGAIN_SHARE:
                waiting.pop(use.number, None)
        self._pending = list(waiting.values())

    def _check_answer(self, ending: Ending, batch: list[Use]) -> None:
        answer = json.loads(ending.out)
        if answer["recorded"] + answer["repeated"] != len(batch):
            self.journal.problem(f"{RECORD} took {len(batch)} lines and said {answer}")

    def _pieces(self, data: bytes) -> list[Piece]:
        cuts = sorted(self.rng.randrange(len(data)) for _ in range(self.rng.randrange(_PIECES_MAX)))
        return [
            Piece(self.rng.random() * _PIECE_PAUSE_S, data[start:end])
            for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)
        ]

    def _writes(self) -> Sequence[Path]:
        return self.place.spool_files(self._node)


class Pusher(Actor):
    """A timer that pushes what was recorded in one home."""

    def __init__(self, place: Place, journal: Journal, rng: Random, wanted: int, repo: str) -> None:
        super().__init__(place, journal, rng, wanted)
        self._repo = repo

    def act(self) -> None:
        """Push once; the orphan of a killed push may stand in the way for a moment."""
        program = BOOKS_PUSH if self._repo == BOOKS else PUSH
        self.run(program, self.place.on(self._repo, "push"), (OK, TRY_LATER))

    def finish(self) -> None:
        """Push everything."""
        self.place.must(self.place.on(self._repo, "push"))

    def _writes(self) -> Sequence[Path]:
        return self.place.commit_files(self._repo)


class Payer(Actor):
    """An operator who records payments, and does so again after a kill."""

    def __init__(self, place: Place, journal: Journal, rng: Random, wanted: int) -> None:
        super().__init__(place, journal, rng, wanted)
        self._pending: list[Payment] = []

    def act(self) -> None:
        """Record one payment: a new one, or one that was not acknowledged."""
        if self._pending and self.rng.random() < 2 / 3:
            self._pay(self._pending.pop(0))
        else:
            self._pay(self.journal.new_payment(self.rng))

    def finish(self) -> None:
        """Retry until every payment is acknowledged."""
        while self._pending:
            self._pay(self._pending.pop(0), left_alone=True)

    def _pay(self, payment: Payment, *, left_alone: bool = False) -> None:
        payment.tries += 1
        told = ("--provider", "stripe", "--external-ref", payment.reference, "--ts", payment.ts)
        ending = self.run(
            PAY,
            self.place.on(BOOKS, "pay", payment.user, payment.amount, *told),
            (OK, FAILED),
            left_alone=left_alone,
        )
        if ending.hit:
            self._pending.append(payment)
            return
        recorded_before = f"records the payment {payment.reference} of stripe already"
        payment.acknowledged = ending.code == OK or recorded_before in ending.err
        if not payment.acknowledged:
            self.journal.problem(f"{PAY} {payment.reference}: {ending.err.strip()}")

    def _writes(self) -> Sequence[Path]:
        return self.place.spool_files(BOOKS)


class Aggregator(Actor):
    """Pulls once, or runs as a daemon until it dies."""

    def act(self) -> None:
        """Pull, or live as a daemon for a while; an orphan may stand in the way here too."""
        if self.is_done or self.rng.random() < 1 / 2:
            self.run(PULL, self.place.aggregator("pull"), (OK, TRY_LATER))
            return
        is_long = self.rng.random() < _RUN_LONG_SHARE
        longest_s = _RUN_LIFE_LONG_S if is_long else _RUN_LIFE_S
        self.run(RUN, self.place.aggregator("run"), longest_s=longest_s)

    def finish(self) -> None:
        """Pull everything, and once more to see that nothing is left."""
        self.place.must(self.place.aggregator("pull"))
        self.place.must(self.place.aggregator("pull"))

    def _writes(self) -> Sequence[Path]:
        return self.place.ledger_files()
