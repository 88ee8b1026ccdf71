# ruff: noqa: INP001 - Python looks for a module of this very name
"""The pusher takes records from the spool first and commits them then, on a slow disk."""

import time
from typing import Any

from node_pusher.sending import commit
from node_pusher.spool.plan import SegmentFile

_commit = commit._commit
_SLOW_S = 0.3


def _retire_and_commit(store: Any, repo: Any, found: Any, now: Any) -> str:  # noqa: ANN401 - as the original
    kept = {span: store.lines(span) for span in found.segments}
    for span, data in kept.items():
        store.retire(SegmentFile(found.folder, span.first, data))
    time.sleep(_SLOW_S)

    class Kept:
        """The store, as it was."""

        lines = staticmethod(kept.__getitem__)

    return _commit(Kept, repo, found, now)  # type: ignore[arg-type]


commit._commit = _retire_and_commit
