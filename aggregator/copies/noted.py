"""What the ledger records of the copy remote: when each repo was last found complete there."""

import json
from typing import Any, Final

from aggregator.store.store import LedgerStore

COPIED: Final = "copied"
"""The key of the fact in the ledger."""


def copied_at(store: LedgerStore) -> dict[str, str]:
    """When the copy remote last had everything billed of each repo: UTC times by repo name."""
    return {name: str(noted["at"]) for name, noted in read_copied(store).items()}


def read_copied(store: LedgerStore) -> dict[str, dict[str, Any]]:
    """What is recorded of each copied repo, by name: its `mark` (see `CopyWork`) and time `at`."""
    noted = store.fact(COPIED)
    return {} if noted is None else dict(json.loads(noted))


def write_copied(store: LedgerStore, noted: dict[str, dict[str, Any]]) -> None:
    """Replace what is recorded of all repos, inside the caller's transaction."""
    store.set_fact(COPIED, json.dumps(noted))
