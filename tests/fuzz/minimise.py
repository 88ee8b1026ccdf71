"""The shortest input that still breaks the same promise."""

import traceback
from collections.abc import Callable
from typing import NamedTuple

from tests.fuzz.target import promise

_TRIES_MAX = 5000


class Breach(NamedTuple):
    """A broken promise.

    Attributes:
        kind: type of the exception, and the line that raised it: what tells it from another one.
        text: the traceback.
    """

    kind: str
    text: str


def breach(check: Callable[[bytes], bool], data: bytes) -> Breach | None:
    """What an input breaks; None when nothing."""
    try:
        check(data)
    except Exception as error:  # noqa: BLE001 - whatever the code raises is what we look for
        frames = traceback.extract_tb(error.__traceback__)
        where = next(frame for frame in reversed(frames) if frame.name != promise.__name__)
        text = "".join(traceback.format_exception(error))
        return Breach(f"{type(error).__name__} at {where.filename}:{where.lineno}", text)
    return None


def minimise(check: Callable[[bytes], bool], data: bytes) -> bytes:
    """Leave out parts, the long ones first, for as long as the same promise is broken."""
    wanted = breach(check, data)
    if wanted is None:
        return data
    tries = 0
    size = len(data) // 2
    while size and tries < _TRIES_MAX:
        at = 0
        while at < len(data) and tries < _TRIES_MAX:
            shorter = data[:at] + data[at + size :]
            found = breach(check, shorter)
            tries += 1
            if found is not None and found.kind == wanted.kind:
                data = shorter
            else:
                at += size
        size //= 2
    return data
