"""The registered nodes, and the state of their repos on the forge. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from aggregator.config.nodes_dir import Registered
from aggregator.config.registration import RegisteredKey, RegisteredRepo, Registration
from aggregator.config.sections import ForgeConfig
from aggregator.config.settings import Config
from aggregator.fleet.drift.comparison import pending
from aggregator.fleet.identity import FoundAs, Listed
from aggregator.fleet.node_keys import fingerprint
from aggregator.forge.interface import Listing

HEADERS: Final = ("node", "role", "state", "registered", "keys", "repos")


def overview(config: Config, registered: Registered, listing: Listing | None) -> dict[str, Any]:
    """Nodes and pending repos as JSON shows them.

    Args:
        config: the configuration; it has a `[forge]` table if there is a listing.
        registered: the registered nodes.
        listing: the repos on the forge; None if it was not asked or did not answer.
    """
    listed = None if listing is None else Listed(listing.repos)
    return {
        "nodes": [
            _node(node, listed, config.forge) for _, node in sorted(registered.nodes.items())
        ],
        "faults": {node: str(error) for node, error in registered.faults.items()},
        "pending": None
        if listing is None
        else [drift.repo for drift in pending(listing, config, registered)],
    }


def rows(shown: Mapping[str, Any]) -> list[list[str]]:
    """The nodes of an overview as rows of a table with `HEADERS`."""
    return [
        [
            node["node"],
            node["role"],
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


def _node(node: Registration, listed: Listed | None, forge: ForgeConfig | None) -> dict[str, Any]:
    return {
        "node": node.node,
        "role": node.role,
        "registered_at": _time(node.registered_at),
        "retired_at": _time(node.retired_at),
        "allow": list(node.allow),
        "silent_after_s": node.silent_after_s,
        "keys": [_key(key) for key in node.keys],
        "repos": [
            {
                "name": repo.name,
                "forge_id": repo.forge_id,
                "forge_name": repo.forge_name,
                "url": None if forge is None else repo.url(forge),
                "branch": repo.branch,
                "on_forge": None if listed is None else _state(repo, listed),
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


def _state(registered: RegisteredRepo, listed: Listed) -> str:
    found = listed.find(registered.on_forge)
    if found.repo is None:
        return found.standing
    if found.standing is FoundAs.RENAMED:
        return f"renamed to {found.repo.name}"
    if found.standing is FoundAs.RENUMBERED:
        return f"number {found.repo.id}"
    return "archived" if found.repo.archived else found.standing


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
