"""The four roles. A repo has one of them, and so have all repos of a node."""

from typing import Final, Literal, get_args

Role = Literal["usage", "books", "till", "desk"]
"""What a repo carries: what users consumed; the operator's money, decisions and rule book; what a
payment provider did; what customer service did."""

ROLES: Final[tuple[Role, ...]] = get_args(Role)

NodeRole = Literal["usage", "till", "desk"]
"""What the repos of a registered node carry."""

NODE_ROLES: Final[tuple[NodeRole, ...]] = get_args(NodeRole)

PROGRAMS: Final[dict[str, str]] = {
    "usage": "node-pusher",
    "books": "books",
    "till": "till",
    "desk": "portal",
}
"""The program that works on the homes of a role."""

HOMES: Final[dict[str, str]] = {
    "usage": "/var/lib/node-pusher",
    "books": "/var/lib/gitmeter-books",
    "till": "/var/lib/till",
    "desk": "/var/lib/portal",
}
"""The folder of a home where no other is named."""

WRITERS: Final[dict[str, str]] = {
    "usage": "a node that records usage",
    "books": "the operator's books",
    "till": "a till, which takes payments in",
    "desk": "a desk of customer service",
}
"""Whose home it is, in words."""

FACES_STRANGERS: Final[frozenset[str]] = frozenset({"till", "desk"})
"""Roles of programs that strangers reach. They push as they write, whenever that is. Their commits
may never be dated before their parents, so that a thief of their key cannot write the past."""
