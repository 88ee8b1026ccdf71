"""Which resources a glob matches: `*` stands for any text, `/` included; all else for itself."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

_ANY: Final = "*"


def matches(globs: Iterable[str], resource: str) -> bool:
    """Whether any of the globs matches a resource.

    Args:
        globs: of the form that `wire_format.fields` has for them, so without `?` and `[`.
        resource: as in a line of usage.
    """
    return any(fnmatchcase(resource, glob) for glob in globs)


def may_meet(one: str, other: str) -> bool:
    """Whether some text, of whatever length, is matched by both globs.

    Two that both have a `*` meet if their beginnings agree as far as the shorter one goes, and so
    do their ends: between the two there is room for whatever else each of them asks for.
    """
    if _ANY not in one:
        return matches([other], one)
    if _ANY not in other:
        return matches([one], other)
    begins, ends = _around(one)
    other_begins, other_ends = _around(other)
    return (begins.startswith(other_begins) or other_begins.startswith(begins)) and (
        ends.endswith(other_ends) or other_ends.endswith(ends)
    )


def _around(glob: str) -> tuple[str, str]:
    """What stands before the first `*`, and what after the last."""
    return glob.partition(_ANY)[0], glob.rpartition(_ANY)[2]
