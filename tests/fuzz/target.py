"""What a target is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_SHOWN_MAX: Final = 400

Mutator = Callable[[bytes, int, int], bytes | None]


@dataclass(frozen=True)
class Target:
    """Code that takes bytes from outside.

    Attributes:
        name: as on the command line.
        check: gives it the bytes; returns whether they were accepted, and raises when a promise is
            broken.
        seeds: inputs to start from, most of them accepted.
        words: what inputs are made of.
        size_max: longest input, in bytes.
        mutate: changes an input in a way that bytes alone would take for ever to find (input,
            longest output, a seed; None: no such change); None where there is none.
    """

    name: str
    check: Callable[[bytes], bool]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()
    size_max: int = 4096
    mutate: Mutator | None = None


def is_printable(text: str) -> bool:
    """Whether a text can be shown to a person as it is, on one line, and stored as UTF-8."""
    return bool(text) and text.isprintable()


class BrokenPromiseError(Exception):
    """Something that should hold whatever the input does not."""


def promise(holds: object, about: object = "") -> None:
    """Make sure that a promise holds.

    Args:
        holds: whether it does.
        about: what it was found on.

    Raises:
        BrokenPromiseError: it does not.
    """
    if not holds:
        raise BrokenPromiseError(repr(about)[:_SHOWN_MAX])
