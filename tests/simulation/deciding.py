"""What the operator decides: which lines count, and which histories."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from random import Random
from typing import Any

from books.decisions import RecordedDecision, decide
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from tests.simulation.boundaries import CALM, End, Plan
from tests.simulation.forge import Repo
from tests.simulation.site import Site
from tests.simulation.witness import content
from tests.support.repos import decision_line
from tests.support.strategies import ts_text
from wire_format.lines import Decision


class Judge:
    """The operator, deciding at the books.

    Args:
        site: where the books are kept.
        repos: of the forge.
        random: decides what is decided.
    """

    def __init__(self, site: Site, repos: Mapping[str, Repo], random: Random) -> None:
        self._site = site
        self._repos = repos
        self._random = random
        self._taken: list[int] = []

    def accept_tip(self, repo: Repo, plan: Plan = CALM) -> End:
        """Accept a history as it stands on the forge."""
        return self._decide(plan, kind="accept_tip", repo=repo.name, tip=repo.tip)

    def decide(self, plan: Plan) -> End | None:
        """Decide something about lines; None where there is nothing to decide about."""
        random = self._random
        repo = random.choice(list(self._repos.values()))
        kind = random.choice(("exclude", "exclude", "choose", "choose", "withdraw", "acknowledge"))
        said: dict[str, Any] | None
        if kind == "withdraw":
            said = {"refers_to": random.choice(self._taken)} if self._taken else None
        elif kind == "acknowledge":
            said = {"repo": repo.name, "incident": "sequence reused"}
        else:
            said = self._about_lines(repo, kind)
        return None if said is None else self._decide(plan, kind=kind, **said)

    def _about_lines(self, repo: Repo, kind: str) -> dict[str, Any] | None:
        rivals: dict[tuple[int, str], list[bytes]] = defaultdict(list)
        for line in sorted(repo.lines):
            row = json.loads(line) if line.endswith(b"}\n") else {}
            if row.get("node") == repo.name and "by" not in row:
                rivals[row["seq"], row["ts"]].append(line)
        if kind == "choose":
            rivals = defaultdict(list, {k: lines for k, lines in rivals.items() if len(lines) > 1})
        if not rivals:
            return None
        corrected = [key for key in rivals if key in self._corrected(repo)]
        keys = corrected if corrected and self._random.random() < 0.5 else list(rivals)
        seq, ts = self._random.choice(keys)
        lines = rivals[seq, ts]
        if kind == "choose":
            chosen = hashlib.sha256(self._random.choice(lines)).hexdigest()
            return {"of": repo.name, "of_seq": seq, "of_ts": ts, "line_sha256": chosen}
        more: dict[str, Any] = self._random.choice(({}, {"of_ts": ts}, {"to_seq": seq + 2}))
        return {"of": repo.name, "of_seq": seq, **more}

    def _corrected(self, repo: Repo) -> set[tuple[int, str]]:
        rows = [json.loads(line) for line in repo.lines if b'"corrects":' in line]
        return {(row["corrects"], row["ts"]) for row in rows}

    def _decide(self, plan: Plan, **said: Any) -> End:  # noqa: ANN401 - the fields of a decision
        now, witness = self._site.clock(), self._site.witness
        witness.said[content(_line(said, 1, now))] += 1
        returned: list[RecordedDecision] = []
        fields = dict(said)
        if "of_ts" in fields:
            fields["of_ts"] = datetime.fromisoformat(fields["of_ts"])
        wanted = Decision(
            v=1, node=self._site.name, seq=UNNUMBERED, ts=now, by="olga", reason="seen", **fields
        )

        def action() -> None:
            with Spool.open(self._site.home.path, role="books", clock=lambda: now) as spool:
                returned.append(decide(self._site.home, spool, wanted))

        end = self._site.run(plan, action)
        for taken in returned:
            if not taken.repeated:
                witness.acknowledge(taken.decision.seq, _line(said, taken.decision.seq, now))
                if said["kind"] in {"exclude", "choose", "acknowledge"}:
                    self._taken.append(taken.decision.seq)
        return end


def _line(said: Mapping[str, Any], seq: int, now: datetime) -> bytes:
    return decision_line(**{**said, "seq": seq, "ts": ts_text(now), "by": "olga", "reason": "seen"})
