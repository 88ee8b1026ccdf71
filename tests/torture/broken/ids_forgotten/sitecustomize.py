# ruff: noqa: INP001 - Python looks for a module of this very name
"""The spool forgets callers' ids: a retry after a kill is recorded twice."""

from node_pusher.spool.store import Store


def _known(*_: object) -> None:
    """Nothing was recorded before."""


Store._known = _known  # type: ignore[method-assign,assignment] # whatever it is asked
