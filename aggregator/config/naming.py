"""The names of nodes' repos on the forge: `billing-{node}`, later ones `billing-{node}.2027`.

A node's name cannot contain a dot, so what follows the first dot distinguishes the node's repos.
"""

import re
from datetime import datetime
from typing import Final, NamedTuple

from wire_format import fields

PLACE: Final = "{node}"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]*\{node\}[A-Za-z0-9_-]*")
_REPO: Final = re.compile(fields.REPO_PATTERN)


class NodeRepo(NamedTuple):
    """A repo that is named like a node's.

    Attributes:
        node: the node.
        name: the repo's name in the aggregator: the node's, perhaps with `.` and a suffix.
    """

    node: str
    name: str


class ForgeIdentity(NamedTuple):
    """What identifies a repo on the forge; see `aggregator.fleet.identity`.

    Attributes:
        name: its name on the forge.
        number: the forge's number for it.
        created_at: when the forge made it, in UTC; None if that was not registered.
    """

    name: str
    number: int
    created_at: datetime | None


def is_pattern(text: str) -> bool:
    """Whether a pattern has one place for the node and is otherwise a valid repo name."""
    return _FORM.fullmatch(text) is not None


def forge_name(pattern: str, name: str) -> str:
    """Return the forge's name of the repo that the aggregator calls `name`."""
    return pattern.replace(PLACE, name)


def node_repo(pattern: str, forge_name: str) -> NodeRepo | None:
    """Return the node and the name of a repo by its name on the forge; None if it is no node's."""
    before, _, after = pattern.partition(PLACE)
    if not (forge_name.startswith(before) and forge_name.endswith(after)):
        return None
    name = forge_name[len(before) : len(forge_name) - len(after)]
    node = name.partition(".")[0]
    if not fields.is_node(node) or _REPO.fullmatch(name) is None:
        return None
    return NodeRepo(node, name)
