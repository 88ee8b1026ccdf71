"""Models of the lines for pydantic, one for each folder and version, and their JSON Schemas.

They are derived from `wire_format.versions.forms`.

The models are another reading of the same table, which tests compare with the decoder and with
`wire_format.explanation`.

Owns: the schemas beside this file, and writing them (`__main__`).
Does not own: the fields (`wire_format.field_types`).
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Literal, Self, Union, get_args, get_origin

from msgspec import Meta
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    create_model,
    model_validator,
)

from wire_format.field_types import PATTERN
from wire_format.fields import TS_PATTERN
from wire_format.instants import parse_ts
from wire_format.lines import STRUCTS, Folder
from wire_format.versions.agreement import ACROSS_FIELDS
from wire_format.versions.forms import FORMS


def _check_ts(text: str) -> str:
    parse_ts(text)
    return text


def _only_int(value: object) -> object:
    if type(value) is not int:  # 1.0 and true equal 1, but are no version
        raise ValueError("must be an int")
    return value


def _timestamp(pattern: str) -> Any:  # noqa: ANN401 - a type for pydantic
    form = StringConstraints(pattern=f"^(?:{pattern})$")
    return Annotated[str, form, AfterValidator(_check_ts)]


class Record(BaseModel):
    """A line of any folder; its fields are those of a struct in `wire_format.lines`."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    fault: ClassVar[Callable[[Any], str | None]]

    @model_validator(mode="after")
    def _fields_agree(self) -> Self:
        fault = type(self).fault(self)
        if fault is not None:
            raise ValueError(fault)
        return self


def _model(folder: Folder, version: int) -> type[Record]:
    definitions: dict[str, Any] = {}
    for field in FORMS[folder][version]:
        default = {} if field.required else {"default": field.default}
        alias = None if field.name == field.attribute else field.name
        described = Field(description=_description(field.type), alias=alias, **default)
        definitions[field.attribute] = (_type(field.type), described)
    struct = STRUCTS[folder]
    name = f"{struct.__name__}Record" + ("" if version == min(FORMS[folder]) else str(version))
    model = create_model(name, __base__=Record, __doc__=struct.__doc__, **definitions)
    model.fault = ACROSS_FIELDS[folder]
    return model


def _type(hint: Any) -> Any:  # noqa: ANN401 - any type of a field
    """The type for pydantic, which reads a line's own text of an instant."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meta: Meta = arguments[1]
        if arguments[0] is datetime:
            return _timestamp((meta.extra or {}).get(PATTERN, TS_PATTERN))
        base, constraints = _type(arguments[0]), _constraints(arguments[0], meta)
        return Annotated[base, *constraints] if constraints else base
    if origin in {Union, UnionType}:
        return reduce(or_, map(_type, arguments))
    if origin is dict:
        key, value = map(_type, arguments)
        return dict[key, value]  # type: ignore[valid-type] # made while it runs
    if origin is tuple:
        return list[_type(arguments[0])]  # type: ignore[misc] # made while it runs
    if origin is Literal and type(arguments[0]) is int:
        return Annotated[hint, BeforeValidator(_only_int)]
    return hint


def _constraints(of: Any, meta: Meta) -> list[Any]:  # noqa: ANN401 - any type of a field
    if of is int:
        return [Field(ge=meta.ge, le=meta.le)]
    if get_origin(of) is tuple:
        return [Field(min_length=meta.min_length, max_length=meta.max_length)]
    if get_origin(of) is dict:
        limits = Field(
            min_length=meta.min_length,
            max_length=meta.max_length,
            json_schema_extra={"additionalProperties": False},
        )
        return [limits]
    if of is str:
        pattern = meta.pattern or f"^(?:{(meta.extra or {})[PATTERN]})"
        return [StringConstraints(pattern=pattern.removesuffix(r"\Z") + "$")]
    return []


def _description(hint: Any) -> str | None:  # noqa: ANN401 - any type of a field
    """What a field means: in its type, or in that of an optional field's value."""
    if get_origin(hint) in {Union, UnionType}:
        hint = next(each for each in get_args(hint) if each is not NoneType)
    meta: Meta = get_args(hint)[1]
    return meta.description


MODELS: Final[dict[tuple[Folder, int], type[Record]]] = {
    (folder, version): _model(folder, version) for folder in Folder for version in FORMS[folder]
}
"""The model for the lines of each folder and version."""

SCHEMA_DIR: Final = Path(__file__).parent
_NAMES: Final = {
    Folder.USAGE: "usage",
    Folder.PAYMENTS: "money",
    Folder.DECISIONS: "decision",
    Folder.ACCOUNTS: "account",
}


def schemas() -> dict[str, str]:
    """File name to text of every schema."""
    return {
        f"{_NAMES[folder]}.v{version}.schema.json": _schema(model)
        for (folder, version), model in MODELS.items()
    }


def _schema(model: type[Record]) -> str:
    document: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    document.update(model.model_json_schema())
    for field in document["properties"].values():
        _drop_null(field)
    return json.dumps(document, indent=2) + "\n"


def _drop_null(field: dict[str, Any]) -> None:
    """An optional field is left out of a line; it is never null."""
    branches = [branch for branch in field.get("anyOf", []) if branch != {"type": "null"}]
    if len(branches) == 1:
        del field["anyOf"], field["default"]
        field.update(branches[0])
    if field.get("default") == "":
        del field["default"]
