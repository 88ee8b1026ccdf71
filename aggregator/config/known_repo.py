"""A repo as everything below the configuration knows it. Imports no pydantic: questions use it."""

from typing import NamedTuple


class KnownRepo(NamedTuple):
    """The identity of a repo, whether it is still configured or only its mirror is left.

    Attributes:
        name, node, role: the repo's name, its node and its role, as in the configuration.
        branch: the branch that is billed.
        allow: patterns of the resources that it may bill; empty for all.
    """

    name: str
    node: str
    role: str
    branch: str
    allow: tuple[str, ...] = ()

    @property
    def judged_by(self) -> "JudgedBy":
        """What its lines are judged by."""
        return JudgedBy(self.node, self.role, self.allow)


class JudgedBy(NamedTuple):
    """What decides which lines of a repo may count; if it changes, all records are judged again.

    Attributes:
        node, role, allow: the node, the role and the patterns of `allow` of the repo.
    """

    node: str
    role: str
    allow: tuple[str, ...]


def allow_text(allow: tuple[str, ...]) -> str:
    """Join the patterns of `allow` into the text that mirrors, archives and the database keep."""
    return ",".join(allow)  # no pattern has a comma: `ALLOW_PATTERN`


def allow_of(text: str) -> tuple[str, ...]:
    """Split a text that `allow_text` made into its patterns."""
    return tuple(text.split(",")) if text else ()
