"""What the ledger remembers of the copy remote: when each repo was seen there, and its mark."""

import json
from typing import Any, Final

from aggregator.store.store import LedgerStore

_COPIED: Final = "copied"


def copied_at(store: LedgerStore) -> dict[str, str]:
    """When each repo was last seen to be on the copy remote as it is billed, by its name."""
    return {name: str(noted["at"]) for name, noted in read_copied(store).items()}


def read_copied(store: LedgerStore) -> dict[str, dict[str, Any]]:
    """What is noted of each repo that was copied, by its name."""
    noted = store.fact(_COPIED)
    return {} if noted is None else dict(json.loads(noted))


def write_copied(store: LedgerStore, noted: dict[str, dict[str, Any]]) -> None:
    """Replace what is noted, inside the caller's transaction."""
    store.set_fact(_COPIED, json.dumps(noted))
