"""What can be wrong with a line."""

from enum import StrEnum
from typing import NamedTuple


class FaultCode(StrEnum):
    """Why a line is refused, in the order in which the checks are made."""

    TOO_LONG = "too_long"
    NOT_TERMINATED = "not_terminated"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    UNKNOWN_VERSION = "unknown_version"
    INVALID_FIELD = "invalid_field"
    NOT_CANONICAL = "not_canonical"
    REFUSED_FILE = "refused_file"
    """The whole file: its path, size, kind or place breaks a rule."""


class Fault(NamedTuple):
    """What is wrong with one line.

    Attributes:
        code: the kind of fault; stable, for programs.
        reason: one sentence for a person.
    """

    code: FaultCode
    reason: str
