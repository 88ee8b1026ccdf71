"""The registered nodes, and the state of their repos on the forge. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration, repo_name
from aggregator.config.settings import Config
from aggregator.fleet.drift import pending
from aggregator.fleet.node_keys import fingerprint
from aggregator.forge.interface import ForgeRepo, Listing

HEADERS: Final = ("node", "state", "registered", "keys", "repos")


def overview(
    config: Config, registrations: Mapping[str, Registration], listing: Listing | None
) -> dict[str, Any]:
    """Nodes and pending repos as JSON shows them.

    Args:
        config: the configuration; it has a `[forge]` table if there is a listing.
        registrations: the registered nodes, by name.
        listing: the repos on the forge; None if it was not asked or did not answer.
    """
    listed = {} if listing is None else {repo.id: repo for repo in listing.repos}
    is_known = listing is not None
    return {
        "nodes": [
            _node(node, listed, is_known=is_known) for _, node in sorted(registrations.items())
        ],
        "pending": None
        if listing is None
        else [drift.repo for drift in pending(listing, config, registrations)],
    }


def rows(shown: Mapping[str, Any]) -> list[list[str]]:
    """The nodes of an overview as rows of a table with `HEADERS`."""
    return [
        [
            node["node"],
            "retired" if node["retired_at"] else "active",
            node["registered_at"][:10],
            ", ".join(k["fingerprint"] for k in node["keys"] if k["closed_at"] is None) or "none",
            ", ".join(map(_repo_cell, node["repos"])) or "none",
        ]
        for node in shown["nodes"]
    ]


def _repo_cell(repo: Mapping[str, Any]) -> str:
    state = repo["on_forge"]
    return repo["name"] if state in {None, "there"} else f"{repo['name']} ({state})"


def _node(node: Registration, listed: Mapping[int, ForgeRepo], *, is_known: bool) -> dict[str, Any]:
    return {
        "node": node.node,
        "registered_at": _time(node.registered_at),
        "retired_at": _time(node.retired_at),
        "allow": list(node.allow),
        "silent_after_s": node.silent_after_s,
        "keys": [_key(key) for key in node.keys],
        "repos": [
            {
                "name": repo.name,
                "forge_id": repo.forge_id,
                "url": repo.url,
                "branch": repo.branch,
                "on_forge": _state(repo, listed.get(repo.forge_id)) if is_known else None,
            }
            for repo in node.repos
        ],
    }


def _key(key: RegisteredKey) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint(key.line),
        "line": key.line,
        "added_at": _time(key.added_at),
        "closed_at": _time(key.closed_at),
    }


def _state(registered: RegisteredRepo, found: ForgeRepo | None) -> str:
    if found is None:
        return "missing"
    if found.name != repo_name(registered):
        return f"renamed to {found.name}"
    return "archived" if found.archived else "there"


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
