"""Models of the lines for pydantic, derived from `wire_format.lines`, and their JSON Schemas.

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
from typing import get_type_hints as type_hints

import msgspec
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

from wire_format.agreement import decision_fault, money_fault, usage_fault
from wire_format.field_types import PATTERN
from wire_format.fields import TS_PATTERN
from wire_format.instants import parse_ts
from wire_format.lines import Decision, Folder, Line, Money, Usage


def _check_ts(text: str) -> str:
    parse_ts(text)
    return text


def _only_int(value: object) -> object:
    if type(value) is not int:  # 1.0 and true equal 1, but are no version
        raise ValueError("must be an int")
    return value


_TIMESTAMP: Final = Annotated[
    str, StringConstraints(pattern=f"^(?:{TS_PATTERN})$"), AfterValidator(_check_ts)
]


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


def _model(name: str, struct: type[Line], fault: Callable[[Any], str | None]) -> type[Record]:
    hints = type_hints(struct, include_extras=True)
    definitions: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        default = {} if field.required else {"default": field.default}
        described = Field(description=_description(hints[field.name]), **default)
        definitions[field.name] = (_type(hints[field.name]), described)
    model = create_model(name, __base__=Record, __doc__=struct.__doc__, **definitions)
    model.fault = fault
    return model


def _type(hint: Any) -> Any:  # noqa: ANN401 - any type of a field
    """The type for pydantic, which reads a line's own text of an instant."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meta: Meta = arguments[1]
        base, constraints = _type(arguments[0]), _constraints(arguments[0], meta)
        return Annotated[base, *constraints] if constraints else base
    if origin in {Union, UnionType}:
        return reduce(or_, map(_type, arguments))
    if origin is dict:
        key, value = map(_type, arguments)
        return dict[key, value]  # type: ignore[valid-type] # made while it runs
    if hint is Literal[1]:
        return Annotated[hint, BeforeValidator(_only_int)]
    return _TIMESTAMP if hint is datetime else hint


def _constraints(of: Any, meta: Meta) -> list[Any]:  # noqa: ANN401 - any type of a field
    if of is int:
        return [Field(ge=meta.ge, le=meta.le)]
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


MODELS: Final[dict[Folder, type[Record]]] = {
    Folder.USAGE: _model("UsageRecord", Usage, usage_fault),
    Folder.PAYMENTS: _model("MoneyRecord", Money, money_fault),
    Folder.DECISIONS: _model("DecisionRecord", Decision, decision_fault),
}
"""The model for the lines of each folder."""

SCHEMA_DIR: Final = Path(__file__).parent
_NAMES: Final = {
    Folder.USAGE: "usage.v1.schema.json",
    Folder.PAYMENTS: "money.v1.schema.json",
    Folder.DECISIONS: "decision.v1.schema.json",
}


def schemas() -> dict[str, str]:
    """File name to text of every schema."""
    return {_NAMES[folder]: _schema(model) for folder, model in MODELS.items()}


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
