"""Held lines and rewrites, with the decision that would release each and what it would change."""

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime

from aggregator.ledger.rejudge import decisions_of
from aggregator.mirrors.mirror import MirrorError
from aggregator.mirrors.state import State
from aggregator.reports import proposals, repos
from aggregator.reports.basis import Answer
from aggregator.reports.decisions import decided_by
from aggregator.reports.preview import Effect, Preview, preview
from aggregator.reports.rewrites import Rewrite
from aggregator.store.store import LedgerStore
from gitmeter.support.errors import with_hint


def held_with_remedies(
    state: State, store: LedgerStore, now: datetime, *, tried_max: int, is_all: bool = False
) -> tuple[list[Answer], int]:
    """List held lines with the command of a decision about each, and what that would change.

    Args:
        state: the state directory, with the mirrors.
        store: the ledger.
        now: the time of a decision.
        tried_max: for how many lines the decision is previewed; `effects` of the others is None,
            and of one that could not be tried, with the reason as `trouble`.
        is_all: list those that are decided too.

    Returns:
        The lines, and how many others are decided.
    """
    decisions = decisions_of(store)
    rows: list[Answer] = []
    decided = 0
    for row in repos.held(store):
        if is_all or decided_by(decisions, row) is None:
            rows.append(row)
        else:
            decided += 1
    with ExitStack() as opened:
        trial: Preview | None = None
        for row in rows:
            remedy = proposals.of_held(store, decisions, row, now)
            row["command"] = None if remedy is None else remedy.command
            row["effects"] = None
            row["trouble"] = ""
            if remedy is None or tried_max <= 0:
                continue
            trial = trial or opened.enter_context(preview(state, store, now))
            tried_max -= 1
            try:
                row["effects"] = _effects(trial.of_decision(remedy.decision))
            except MirrorError as error:
                row["trouble"] = with_hint(error)
    return rows, decided


def rewrite_answer(rewrite: Rewrite) -> Answer:
    """Return one rewrite for output; `command` is None if no decision can accept anything."""
    command = None
    if rewrite.head is not None and rewrite.commits and rewrite.role != "books":
        command = proposals.accept_tip(rewrite.repo, rewrite.head)
    return {**rewrite._asdict(), "effects": _effects(rewrite.effects), "command": command}


def _effects(effects: Iterable[Effect]) -> list[Answer]:
    return [
        {**effect._asdict(), "difference_nano": effect.balance_then_nano - effect.balance_nano}
        for effect in effects
    ]
