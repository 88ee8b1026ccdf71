"""Accepted rewrites, broken on purpose: one rule in each function."""

from collections.abc import Callable, Collection

import pytest

from aggregator.ledger.pending import Pending
from aggregator.mirrors.commit_delta import CommitDelta
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.mirrors import Mirrors
from aggregator.pulling import repo_pass
from cursors.position import Advance, advance
from cursors.rows import CursorRows
from cursors.tips import Tips

Patch = pytest.MonkeyPatch


def kept_tips_not_written(patch: Patch) -> None:
    """The database has no kept tips."""
    patch.setattr(CursorRows, "keep", lambda *_: None)


def kept_tips_not_in_the_mirror(patch: Patch) -> None:
    """The mirror has no kept tips."""
    patch.setattr(Mirror, "keep", lambda *_: None)


def old_history_forgotten(patch: Patch) -> None:
    """A lost ledger is made from the newest history alone."""
    accepted_tips = Mirrors.accepted_tips

    def broken(self: Mirrors) -> dict[str, Tips]:
        return {name: Tips(tips.cursor) for name, tips in accepted_tips(self).items()}

    patch.setattr(Mirrors, "accepted_tips", broken)


def edits_skipped(patch: Patch) -> None:
    """What an accepted commit puts in place of a billed file is not read."""
    read = Pending.read

    def broken(
        self: Pending, delta: CommitDelta, *, lines_again_max: int | None, rules_hold: bool
    ) -> None:
        delta = delta._replace(edited=())
        read(self, delta, lines_again_max=lines_again_max, rules_hold=rules_hold)

    patch.setattr(Pending, "read", broken)


def only_the_head_is_accepted(patch: Patch) -> None:
    """An accepted commit below the head is ignored."""

    def broken(
        cursor: str | None,
        head: str | None,
        first_parent: Callable[[str], str | None],
        accepted: Collection[str] = (),
        *rest: Callable[[], Collection[str]],
    ) -> Advance:
        return advance(cursor, head, first_parent, {head} & set(accepted) - {None}, *rest)  # type: ignore[arg-type]

    patch.setattr(repo_pass, "advance", broken)
