"""The fields that a line of a folder and a version has, one by one.

`wire_format.explanation` says with them what is wrong with a line, and `wire_format.schema` derives
its models from them. A struct that serves both versions has what either has; here each version has
its own.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from wire_format import field_types as types
from wire_format.fields import VERSION, VERSION_2
from wire_format.lines import STRUCTS, Account, Decision, Folder, Line, Money, Usage
from wire_format.versions import field_types as types_2
from wire_format.versions.narrower import NEW_KEYS


class FieldForm(NamedTuple):
    """One field of a line.

    Attributes:
        name: its key.
        attribute: its name in the struct.
        type: as in the struct, or narrower.
        required: whether every line of the version has it, whatever its kind.
        default: what it is where a line does not have it.
    """

    name: str
    attribute: str
    type: Any
    required: bool
    default: Any


def _form(
    struct: type[Struct],
    changed: Mapping[str, Any] | None = None,
    without: tuple[str, ...] = (),
    required: tuple[str, ...] = (),
) -> tuple[FieldForm, ...]:
    return tuple(
        FieldForm(
            field.encode_name,
            field.name,
            (changed or {}).get(field.name, field.type),
            field.required or field.name in required,
            None if field.required else field.default,
        )
        for field in msgspec.structs.fields(struct)
        if field.name not in without
    )


FORMS: Final[Mapping[Folder, Mapping[int, tuple[FieldForm, ...]]]] = {
    Folder.USAGE: {VERSION: _form(Usage)},
    Folder.PAYMENTS: {
        VERSION: _form(
            Money,
            {
                "v": types.Version,
                "kind": types.MoneyKind,
                "provider": types.Provider,
                "credited_usd": types.CreditedUsd | None,
                "status": types.Status,
                "reason": types.AdjustmentReason | None,
            },
            NEW_KEYS,
            ("user", "provider", "amount", "currency", "status"),
        ),
        VERSION_2: _form(
            Money,
            {"v": types_2.Version2, "status": types_2.Status2 | None},
            ("refers_to",),
        ),
    },
    Folder.DECISIONS: {
        VERSION: _form(Decision, {"v": types.Version, "kind": types.DecisionKind}, ("from_seq",)),
        VERSION_2: _form(
            Decision,
            {
                "v": types_2.Version2,
                "kind": types_2.DecisionKind2,
                "tip": types_2.SeenTip,
                "of": types_2.OfWriter,
                "to_seq": types_2.ReconciledToSeq | None,
            },
            ("repo", "of_seq", "of_ts", "line_sha256", "incident", "subject", "refers_to"),
            ("tip", "of"),
        ),
    },
    Folder.ACCOUNTS: {VERSION_2: _form(Account)},
}
"""Folder and version to the fields, in the order of the keys."""


def version_of(stated: object, folder: Folder) -> int:
    """The version by which a line is judged that states this one; the lowest for no such one."""
    known = FORMS[folder]
    return stated if type(stated) is int and stated in known else min(known)


def form_of(line: Line) -> tuple[FieldForm, ...]:
    """The fields that a decoded line can have."""
    folder = next(folder for folder, struct in STRUCTS.items() if isinstance(line, struct))
    return FORMS[folder][line.v]
