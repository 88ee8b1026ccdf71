"""How repos of nodes are called on the forge: `billing-{node}`, later ones `billing-{node}.2027`.

A dot cannot occur in a node's name, so what follows the first one tells the repos of a node apart.
"""

import re
from typing import Final, NamedTuple

from wire_format import fields

PLACE: Final = "{node}"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]*\{node\}[A-Za-z0-9_-]*")
_REPO: Final = re.compile(fields.REPO_PATTERN)


class NodeRepo(NamedTuple):
    """A repo that is a node's by its name.

    Attributes:
        node: the node.
        name: what the repo is called here: the node's name, or that with `.` and more.
    """

    node: str
    name: str


def is_pattern(text: str) -> bool:
    """Whether a pattern has one place for the node and is a repo's name otherwise."""
    return _FORM.fullmatch(text) is not None


def forge_name(pattern: str, name: str) -> str:
    """What the forge calls the repo that is called `name` here."""
    return pattern.replace(PLACE, name)


def node_repo(pattern: str, forge_name: str) -> NodeRepo | None:
    """Whose repo it is by the name that the forge has for it; None when it is no node's."""
    before, _, after = pattern.partition(PLACE)
    if not (forge_name.startswith(before) and forge_name.endswith(after)):
        return None
    name = forge_name[len(before) : len(forge_name) - len(after)]
    node = name.partition(".")[0]
    if not fields.is_node(node) or _REPO.fullmatch(name) is None:
        return None
    return NodeRepo(node, name)
