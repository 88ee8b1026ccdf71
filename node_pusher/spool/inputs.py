"""What a service says of one use, as JSON or as a mapping; its values are checked later."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from node_pusher.spool.outcomes import Refusal

_KEYS_REQUIRED: Final = 3
"""Keys that every use states: user, resource and units."""


class UsageInput(Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """One use, as a service states it; limits are those of `wire_format.lines.Usage`.

    Attributes:
        user: who pays.
        resource: what was used, unit included.
        units: how much of it.
        applies_to: discount category; the default one when absent.
        ts: an instant inside the time it covers, with its UTC offset; now when absent.
        instance: which VM, API key or project.
        id: the service's own key, which makes retries safe.
        meta: shown in audits.
    """

    user: str
    resource: str
    units: int
    applies_to: str | UnsetType = UNSET
    ts: str | None = None
    instance: str | None = None
    id: str | None = None
    meta: dict[str, int | str] | None = None

    @property
    def keys(self) -> int:
        """How many keys its JSON has, if none is repeated and none is null."""
        return (
            _KEYS_REQUIRED
            + (self.applies_to is not UNSET)
            + (self.ts is not None)
            + (self.instance is not None)
            + (self.id is not None)
            + (0 if self.meta is None else 1 + len(self.meta))
        )


_INPUTS: Final = msgspec.json.Decoder(UsageInput)


def decode_inputs(lines: bytes) -> Sequence[UsageInput] | None:
    """Decode JSONL; None when any line is not valid input, or has to be looked at by itself."""
    try:
        inputs = _INPUTS.decode_lines(lines)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return inputs if _has_keys(lines, sum([item.keys for item in inputs])) else None


def decode_input(line: bytes) -> UsageInput | Refusal:
    """Decode one line of JSONL."""
    try:
        found = _INPUTS.decode(line)
        if not _has_keys(line, found.keys):
            json.loads(line, object_pairs_hook=_refuse_repeated)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Refusal(str(error))
    return found


def _has_keys(text: bytes, keys: int) -> bool:
    """Whether JSON surely has this number of keys, so that the decoder dropped none of them.

    Of a repeated key decoders keep the last value, and would choose in silence who pays. Without
    backslashes a quote before a colon ends a key; other spellings are looked at more closely.
    """
    return (
        text.count(b'":') == keys
        and b"\\" not in text
        and b'" ' not in text
        and b'"\t' not in text
        and b'"\r' not in text
    )


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, unless one of its keys is repeated."""
    if (repeated := first_repeated([name for name, _ in pairs])) is not None:
        raise ValueError(f"{repeated}: is stated more than once")
    return dict(pairs)


def first_repeated(names: Sequence[str]) -> str | None:
    """The first of some names that is there more than once; None if each is there once."""
    counts = Counter(names)
    return next((name for name in names if counts[name] > 1), None)


def convert_input(values: Mapping[str, Any]) -> UsageInput | Refusal:
    """Check a mapping as `decode_input` checks a line."""
    try:
        return msgspec.convert(dict(values), UsageInput)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Refusal(str(error))
