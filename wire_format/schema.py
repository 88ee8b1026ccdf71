"""JSON Schemas of the lines, generated from the models: `python -m wire_format.schema`."""

import json
from pathlib import Path
from typing import Any, Final

from wire_format.models import AnyRecord, DecisionRecord, MoneyRecord, UsageRecord

SCHEMA_DIR: Final = Path(__file__).parent / "schema"
_MODELS: Final[dict[str, type[AnyRecord]]] = {
    "usage.v1.schema.json": UsageRecord,
    "money.v1.schema.json": MoneyRecord,
    "decision.v1.schema.json": DecisionRecord,
}


def schemas() -> dict[str, str]:
    """File name to text of every schema."""
    return {name: _schema(model) for name, model in _MODELS.items()}


def _schema(model: type[AnyRecord]) -> str:
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


def main() -> None:
    """Write the schemas beside this module."""
    SCHEMA_DIR.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (SCHEMA_DIR / name).write_text(text)


if __name__ == "__main__":
    main()
