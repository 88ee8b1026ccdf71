"""Keys of nodes as an operator enters them: their form and their owner. Pure except for one file.

One ed25519 key signs a node's commits and is its deploy key on the forge. It is made on the node,
and its private half never leaves it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aggregator.config.registration import Registration
from gitmeter.roles.role import PROGRAMS, NodeRole
from gitmeter.signing.allowed_signers import Entry, load_allowed_signers, parse_allowed_signers
from gitmeter.signing.keys import InvalidKeyError, read_public_key
from gitmeter.signing.patterns import matches_list
from gitmeter.support.errors import GitmeterError

_SOURCE: Final = "the key"
_ALGORITHMS: Final = ("ssh-", "ecdsa-", "sk-")


class FleetError(GitmeterError):
    """A node cannot be set up or changed as requested."""


def read_key(text: str, node: str, role: NodeRole) -> str:
    """Read the key of a node; returns `ssh-ed25519 AAAA...` without a comment.

    Args:
        text: the key, or the whole line that `show-key` prints.
        node: the node that it must belong to.
        role: what that node pushes.

    Raises:
        AllowedSignersError: it is not a key, or of a kind that is not accepted.
        FleetError: it belongs to another node, or is not one line.
    """
    show = f"on the node: {PROGRAMS[role]} show-key --node {node}"
    stated = text.strip()
    if not stated or "\n" in stated:
        raise FleetError("the key must be one line", hint=show)
    line = f"{node} {stated}" if stated.startswith(_ALGORITHMS) else stated
    (entry,) = parse_allowed_signers(line, _SOURCE).entries or (None,)
    if entry is None:
        raise FleetError("the key must not be a comment", hint=show)
    if not matches_list(node, entry.principals):
        raise FleetError(f"the key belongs to {entry.principals}, not to {node}", hint=show)
    if not entry.signs_commits() or _has_window(entry):
        raise FleetError(
            "the key must be for git, without valid-after and valid-before",
            hint=show,
        )
    return entry.key.line


def check_owner(
    line: str, node: str, registrations: Mapping[str, Registration], signers_file: Path | None
) -> None:
    """Refuse a key that belongs to another signer: a key must identify one node.

    Args:
        line: a key, as `read_key` returns it.
        node: the node that it must belong to.
        registrations: the registered nodes, by name.
        signers_file: the operator's own allowed signers, with the key of the books; None if not
            configured.

    Raises:
        FleetError: it is registered for another node, or is in that file under another name.
        AllowedSignersError: that file cannot be used.
    """
    for other in registrations.values():
        if other.node != node and any(key.line == line for key in other.keys):
            raise FleetError(
                f"the key belongs to node {other.node}",
                hint="every node makes a key of its own; a copied home is not a new node",
            )
    for entry in load_allowed_signers(signers_file).entries:
        if entry.key.line == line and not matches_list(node, entry.principals):
            raise FleetError(
                f"in {signers_file} the key belongs to {entry.principals}",
                hint="every node makes a key of its own; a copied home is not a new node",
            )


def fingerprint(line: str) -> str:
    """`SHA256:...` of a key, ignoring its comment; the text itself if it is not a key."""
    try:
        algorithm, encoded = line.split()[:2]
        return read_public_key(algorithm, encoded).fingerprint
    except (InvalidKeyError, ValueError):
        return line


def is_same_key(line: str, other: str) -> bool:
    """Whether two lines are the same key, ignoring their comments."""
    return line.split()[:2] == other.split()[:2]


def _has_window(entry: Entry) -> bool:
    return entry.valid_after is not None or entry.valid_before is not None
