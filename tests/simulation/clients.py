"""What services on the nodes record: new uses, retries under their own ids, bad clocks."""

import json
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from node_pusher.sending.correct import RecordedCorrection
from node_pusher.sending.correct import correct as record_correction
from node_pusher.spool.api import Spool
from node_pusher.spool.inputs import convert_input
from node_pusher.spool.outcomes import Recorded, Refusal
from tests.simulation.boundaries import End, Plan
from tests.simulation.site import Site
from tests.simulation.witness import ID_RETRIED_FOR, Sent, content
from tests.support.repos import usage_line
from tests.support.strategies import ts_text

USERS: Final = ("alice", "b:2", "carol", "dave")
RESOURCES: Final = (
    ("hero_os/seconds", "hero_os_hourly"),
    ("llm/acme/m1/tokens", "llm"),
    ("vm/small/seconds", "vm"),
    ("mystery/units", "hero_os_hourly"),
)
_CATEGORIES: Final = ("hero_os_hourly", "llm", "vm")
_UNITS: Final = (0, 1, 1, 2, 3, 7, 1000, 3599, 3600, 999_999)
_HUGE: Final = 2**53 - 1
_AHEAD_MAX: Final = timedelta(seconds=300)


class Clients:
    """The services of one node.

    Args:
        site: the node.
        random: decides what they do.
    """

    def __init__(self, site: Site, random: Random) -> None:
        self._site = site
        self._random = random
        self._ids = 0
        self._before: dict[str, Any] | None = None
        self._corrections = 0

    def record(self, plan: Plan) -> End:
        """One process records a few uses; what its calls returned is witnessed."""
        values = [self._values() for _ in range(self._random.randint(1, 5))]
        together = self._random.random() < 0.5
        now = self._site.clock()
        returned: list[Recorded | Refusal] = []
        for item in values:
            self._say(item, now)

        def action() -> list[Recorded | Refusal]:
            with Spool.open(self._site.home.path, clock=lambda: now) as spool:
                if together:
                    returned.extend(spool.append_inputs(convert_input(item) for item in values))
                    return returned
                for item in values:
                    returned.extend(spool.append_inputs([convert_input(item)]))
            return returned

        end = self._site.run(plan, action)
        for item, outcome in zip(values, returned, strict=False):
            self._witness(item, outcome, now)
        return end

    def correct(self, plan: Plan) -> End | None:
        """One process corrects an earlier record; None where there is none."""
        site, random = self._site, self._random
        usable = [
            line
            for line in site.witness.acknowledged
            if b'"corrects"' not in line and line not in site.witness.excused
        ]
        if not usable:
            return None
        original = json.loads(random.choice(usable[-20:]))
        self._corrections += 1
        reason = f"miscount {self._corrections}"
        to_zero = random.random() < 0.3
        wanted: dict[str, Any] = (
            {"total": 0} if to_zero else {"units": random.choice((-1, -1, -7, 3, 600))}
        )
        now = site.clock()
        returned: list[RecordedCorrection] = []

        def action() -> None:
            with Spool.open(site.home.path, clock=lambda: now) as spool:
                returned.append(record_correction(spool, original["seq"], reason=reason, **wanted))

        end = site.run(plan, action)
        for corrected in returned:
            seq, units = corrected.recorded.seq, corrected.line.units
            assert to_zero or units == wanted["units"]
            line = {**original, "seq": seq, "corrects": original["seq"], "units": units}
            line.pop("id", None)
            site.witness.acknowledge(seq, usage_line(**line, reason=reason))
        return end

    def _values(self) -> dict[str, Any]:
        """A new use, one just like the last one, or one that was sent before under an id."""
        random = self._random
        again = self._to_retry()
        if again is not None and random.random() < 0.3:
            return dict(again.values)
        if self._before is not None and random.random() < 0.15:
            return dict(self._before)
        resource, category = random.choice(RESOURCES)
        if random.random() < 0.1:
            category = random.choice(_CATEGORIES)
        values: dict[str, Any] = {
            "user": random.choice(USERS),
            "resource": resource,
            "applies_to": category,
            "units": _HUGE if random.random() < 0.01 else random.choice(_UNITS),
            "ts": self._ts(),
        }
        self._before = dict(values)
        if random.random() < 0.3:
            self._ids += 1
            values["id"] = f"{self._site.name}-{self._ids}"
        return values

    def _to_retry(self) -> Sent | None:
        site = self._site
        usable = [
            sent
            for sent in site.witness.by_id.values()
            if sent.home == site.home_number and site.clock.true - sent.first_sent < ID_RETRIED_FOR
        ]
        return self._random.choice(usable[-4:]) if usable else None

    def _ts(self) -> str | None:
        """None for now; else an hour or days ago, to the second; seldom ahead of the clock."""
        now, random = self._site.clock().replace(microsecond=0), self._random
        kind = random.choices(("now", "hour", "days", "ahead", "far ahead"), (8, 6, 3, 1, 0.5))[0]
        if kind == "now":
            return None
        back = {
            "hour": timedelta(seconds=random.choice((0, 1, 60, 1800, 3600))),
            "days": timedelta(hours=random.randint(2, 200)),
            "ahead": -timedelta(seconds=random.randint(1, 300)),
            "far ahead": -timedelta(seconds=random.randint(301, 9000)),
        }[kind]
        return ts_text(now - back)

    def _say(self, values: dict[str, Any], now: datetime) -> None:
        """Note what is sent: once for a key, however often it is sent."""
        witness, key = self._site.witness, values.get("id")
        line = content(self._line(values, 1, values["ts"] or ts_text(now)))
        if key is None:
            witness.said[line] += 1
        else:
            witness.said[line] = 1
            sent = Sent(values, self._site.clock.true, self._site.home_number)
            witness.by_id.setdefault(key, sent)

    def _witness(self, values: dict[str, Any], outcome: Recorded | Refusal, now: datetime) -> None:
        ts = values["ts"]
        if isinstance(outcome, Refusal):
            far = ts is not None and ts > ts_text(now + _AHEAD_MAX)
            assert far, f"refused: {outcome.reason}: {values}"
            return
        sent = self._site.witness.by_id.get(values.get("id", ""))
        if sent is not None:
            known = sent.seq is not None
            assert outcome.repeated or not known, f"recorded twice: {values}"
            assert sent.seq in {None, outcome.seq}, f"another seq than {sent.seq}: {outcome}"
            sent.seq = outcome.seq
        line = self._line(values, outcome.seq, ts_text(outcome.ts))
        self._site.witness.acknowledge(outcome.seq, line)

    def _line(self, values: dict[str, Any], seq: int, ts: str) -> bytes:
        return usage_line(**{**values, "node": self._site.name, "seq": seq, "ts": ts})
