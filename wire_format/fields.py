"""The rules of single fields: limits, alphabets and the default discount category.

`wire_format/README.md` states them for people; every model and decoder takes them from here.
"""

import re
from typing import Final, Literal, get_args

VERSION: Final = 1
"""The version of usage lines, and of the first lines of money and decisions."""

VERSION_2: Final = 2
"""The version of lines about accounts, and of what tills and desks write; a line with a version
that its folder does not know is held."""

INT_MAX: Final = 2**53 - 1
"""Largest `seq` and `units`: every JSON parser, doubles included, keeps it exact."""

LINE_BYTES_MAX: Final = 8 * 1024
SEGMENT_RECORDS_MAX: Final = 50_000
SEGMENT_BYTES_MAX: Final = 8 * 1024 * 1024
SEGMENTS_PER_COMMIT_MAX: Final = 8
EPOCH_SIZE: Final = 1_000_000_000
"""Sequence numbers of epoch k run from k * EPOCH_SIZE + 1 to (k + 1) * EPOCH_SIZE."""

YEAR_MIN: Final = 2000
YEAR_MAX: Final = 2100
META_ENTRIES_MAX: Final = 16
SCOPE_MAX: Final = 16
PRIORITY_MAX: Final = 1000

NODE_PATTERN: Final = r"[a-z0-9][a-z0-9-]{0,62}"
USER_PATTERN: Final = r"[!#-\[\]-~]{1,256}"
RESOURCE_PATTERN: Final = r"[A-Za-z0-9._:/@+-]{1,200}"
INSTANCE_PATTERN: Final = r"[A-Za-z0-9._:/@+-]{1,128}"
ID_PATTERN: Final = r"[A-Za-z0-9._:-]{1,64}"
REASON_PATTERN: Final = r"[ -~]{1,200}"
META_KEY_PATTERN: Final = r"[a-z0-9_.]{1,40}"
META_TEXT_PATTERN: Final = r"[ -~]{0,200}"
TS_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z"
REFERENCE_PATTERN: Final = r"[!#-\[\]-~]{1,128}"
AMOUNT_PATTERN: Final = r"-?[0-9]{1,9}(\.[0-9]{1,9})?"
CURRENCY_PATTERN: Final = r"[A-Z]{3}"
REPO_PATTERN: Final = r"[a-z0-9][a-z0-9.-]{0,79}"
COMMIT_PATTERN: Final = r"[0-9a-f]{40}"
SHA256_PATTERN: Final = r"[0-9a-f]{64}"
INCIDENT_PATTERN: Final = r"[a-z ]{1,40}"
SUBJECT_PATTERN: Final = r"[ -~]{1,200}"
BY_PATTERN: Final = r"[ -~]{1,100}"
PROVIDER_PATTERN: Final = r"[a-z][a-z0-9-]{0,31}"
MANUAL: Final = "manual"
"""The provider of a line whose money nobody moved but the operator."""
HOUR_PATTERN: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:00:00Z"
GLOB_PATTERN: Final = r"[A-Za-z0-9._:/@+*-]{1,200}"
USD_PATTERN: Final = r"[0-9]{1,9}(\.[0-9]{1,9})?"
NAME_PATTERN: Final = r"[a-z][a-z0-9_-]{0,31}"
KEY_ID_PATTERN: Final = r"[0-9a-f]{16}"
KEY_SCOPE_PATTERN: Final = r"[a-z][a-z0-9_.:/*-]{0,63}"
IDENTITY_PATTERN: Final = r"staff:[A-Za-z0-9._-]{1,64}"

AppliesTo = Literal["hero_os_hourly", "llm", "vm"]
"""Discount category: which column of the discount ladder a record falls under."""

APPLIES_TO: Final[tuple[AppliesTo, ...]] = get_args(AppliesTo)
APPLIES_TO_DEFAULT: Final[AppliesTo] = "hero_os_hourly"

_NODE = re.compile(NODE_PATTERN)
_USER = re.compile(USER_PATTERN)
_RESOURCE = re.compile(RESOURCE_PATTERN)
_PROVIDER = re.compile(PROVIDER_PATTERN)


def is_node(text: str) -> bool:
    """Whether `text` may name a node."""
    return _NODE.fullmatch(text) is not None


def is_user(text: str) -> bool:
    """Whether `text` may be an account id."""
    return _USER.fullmatch(text) is not None


def is_resource(text: str) -> bool:
    """Whether `text` may name what was used."""
    return _RESOURCE.fullmatch(text) is not None


def is_provider(text: str) -> bool:
    """Whether `text` may name an account at a provider, or be `manual`."""
    return _PROVIDER.fullmatch(text) is not None


def epoch_of(seq: int) -> int:
    """The epoch a number belongs to, from 0."""
    return (seq - 1) // EPOCH_SIZE
