"""The ledger as it was: built anew from earlier commits, in another place.

What a ledger *said* at a time is a function of the commits that were read by then, and a statement
names them. Built again from these, it has the same digest, and answers every question as it did.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from aggregator.config.document import database_in
from aggregator.mirrors.ancestry import reached
from aggregator.mirrors.commit_delta import committed_at
from aggregator.mirrors.mirror import Mirror
from aggregator.mirrors.state import State
from aggregator.proof.digest import digest
from aggregator.proof.rebuild import rebuild, swap
from aggregator.store.store import LedgerStore, open_for_reading
from cursors.tips import Tips
from gitmeter.support.bulk import Progress
from gitmeter.support.errors import GitmeterError

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FORM: Final = "`aggregator statement USER PERIOD --json` writes such a file"
_OF_A_STATE: Final = ("lock", "mirrors")


class PastError(GitmeterError):
    """A file does not say from which commits a ledger was made, or these were not billed."""


class MadeFrom(NamedTuple):
    """From what a ledger was made.

    Attributes:
        tips: the commits, by repo.
        digest: what its digest was; None where that is not stated.
        stated: the whole of the file that says so.
    """

    tips: Mapping[str, Tips]
    digest: str | None = None
    stated: Any = None


class Rebuilt(NamedTuple):
    """A ledger that was built from earlier commits.

    Attributes:
        database: its file.
        digest: its digest.
        stated: what its digest is to be; None where that was not stated.
    """

    database: Path
    digest: str
    stated: str | None

    @property
    def is_same(self) -> bool:
        """Whether nothing speaks against its being the ledger of then."""
        return self.stated in {None, self.digest}


def made_from(store: LedgerStore) -> dict[str, Any]:
    """Return from what an answer was made: what was read of each repo, and the ledger's digest.

    Returns:
        `tips`: for each repo the commit up to which it was billed, and older ones whose lines stay
        billed; `digest`; `sha256`: one hash over both, of their JSON with sorted keys.
    """
    tips = {
        name: {"cursor": tip.cursor, "kept": sorted(tip.kept)}
        for name, tip in sorted(store.cursors.tips().items())
    }
    found = {"tips": tips, "digest": digest(store)}
    text = orjson.dumps(found, option=orjson.OPT_SORT_KEYS)
    return {**found, "sha256": hashlib.sha256(text).hexdigest()}


def read_made_from(file: Path) -> MadeFrom:
    """Read from what a ledger was made.

    Args:
        file: JSON: a statement, its `made_from`, or a commit for each repo.

    Raises:
        PastError: it is something else.
    """
    try:
        whole = json.loads(file.read_bytes())
    except ValueError as error:
        raise PastError(f"{file} is not JSON: {error}", hint=_FORM) from None
    found = whole.get("made_from", whole) if isinstance(whole, dict) else None
    stated = found.get("tips", found) if isinstance(found, dict) else None
    if found is None or not isinstance(stated, dict) or not stated:
        raise PastError(f"{file} does not say from which commits a ledger was made", hint=_FORM)
    tips = {str(name): _tips(file, name, value) for name, value in stated.items()}
    told = found.get("digest")
    return MadeFrom(tips, told if isinstance(told, str) and "tips" in found else None, whole)


def _tips(file: Path, name: str, value: Any) -> Tips:  # noqa: ANN401 - read from a file
    if isinstance(value, str):
        value = {"cursor": value}
    found = value if isinstance(value, dict) else {}
    kept = found.get("kept", [])
    commits = [found.get("cursor"), *(kept if isinstance(kept, list) else [None])]
    if not all(isinstance(each, str) and _COMMIT.fullmatch(each) for each in commits):
        raise PastError(f"{file}: {name} has no whole commit hash", hint=_FORM)
    return Tips(commits[0], frozenset(commits[1:]))


def tips_at(state: State, store: LedgerStore, at: datetime) -> MadeFrom:
    """From which commits a ledger of an instant would be made: those that are dated no later.

    Of each repo the newest such commit, and what it builds on. When a commit was *billed* is not
    kept: nothing in the ledger depends on it.

    Raises:
        MirrorError: a mirror cannot be read.
    """
    found: dict[str, Tips] = {}
    for name, tips in store.cursors.tips().items():
        mirror = state.mirrors.open_named(name)
        by_then = [
            commit
            for tip in (tips.cursor, *sorted(tips.kept))
            for commit in [_newest_by(mirror, tip, at)]
            if commit is not None
        ]
        if by_then:
            found[name] = Tips(by_then[0], frozenset(by_then[1:]) - {by_then[0]})
    return MadeFrom(found)


def _newest_by(mirror: Mirror, tip: str, at: datetime) -> str | None:
    chain = mirror.chain(tip)
    return next((each for each in chain if committed_at(mirror.commit(each)) <= at), None)


def time_of_commit(state: State, store: LedgerStore, start: str) -> datetime:
    """When a billed commit was made, whose hash begins with some digits.

    Raises:
        PastError: none of them does, or several do.
        MirrorError: a mirror cannot be read.
    """
    found = {
        commit: committed_at(mirror.commit(commit))
        for name, tips in store.cursors.tips().items()
        for mirror in [state.mirrors.open_named(name)]
        for commit in reached(mirror, (tips.cursor, *tips.kept))
        if commit.startswith(start)
    }
    if len(found) != 1:
        which = f"{len(found)} billed commits begin" if found else "no billed commit begins"
        raise PastError(f"{which} with {start}", hint="state the whole hash")
    (at,) = found.values()
    return at


def rebuild_past(
    state: State,
    store: LedgerStore,
    made_from: MadeFrom,
    folder: Path,
    now: datetime,
    on_progress: Progress,
) -> Rebuilt:
    """Build the ledger of earlier commits in another folder.

    The configuration and the programs are those of today.

    Args:
        state: the state directory, with the mirrors.
        store: the ledger of today, which says what was billed.
        made_from: the commits.
        folder: where the database is to be; made where there is none.
        now: when incidents that the records show count as opened.
        on_progress: called after each commit.

    Raises:
        PastError: a commit was not billed, or the folder is that of an aggregator.
        MirrorError: a mirror cannot be read.
    """
    if any((folder / name).exists() for name in _OF_A_STATE):
        raise PastError(
            f"{folder} is the state directory of an aggregator",
            hint="state a folder for the ledger of then alone, with --state",
        )
    _check_billed(state, store.cursors.tips(), made_from.tips)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = database_in(folder)
    new = path.with_name(f"{path.name}.new")
    rebuild(state, new, made_from.tips, now, on_progress)
    swap(new, path)
    past = open_for_reading(path)
    try:
        return Rebuilt(path, digest(past), made_from.digest)
    finally:
        past.close()


def _check_billed(state: State, billed: Mapping[str, Tips], asked: Mapping[str, Tips]) -> None:
    """Refuse commits that today's ledger was not made from."""
    for name, tips in asked.items():
        if name not in billed:
            raise PastError(
                f"no commit of {name} was ever billed here", hint="`aggregator nodes` lists repos"
            )
        there = reached(state.mirrors.open_named(name), (billed[name].cursor, *billed[name].kept))
        if missing := sorted({tips.cursor, *tips.kept}.difference(there)):
            raise PastError(
                f"{missing[0]} of {name} is not among the commits that were billed",
                hint="is the file of this aggregator?",
            )
