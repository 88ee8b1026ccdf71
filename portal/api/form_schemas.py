"""Forms as JSON Schemas, in which fields say what the docstrings of the forms say."""

import inspect
import re
from typing import Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

_PART: Final = re.compile(r"\n(?:Args|Attributes|Raises|Returns):\n")
_ATTRIBUTE: Final = re.compile(r"^    (\w+(?:, \w+)*): (.+(?:\n {8}.+)*)", re.MULTILINE)
_LINE_END: Final = re.compile(r"(?<!\n)\n *(?!\n)")


class FormSchemas(GenerateJsonSchema):
    """Makes the schemas; pydantic calls it."""

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        """The schema of a form: its docstring, and of each field what `Attributes:` says."""
        made = super().model_schema(schema)
        form: type = schema["cls"]
        del made["title"]
        made["description"] = described_by(form)
        said = attributes(form)
        for name, field in made["properties"].items():
            field.pop("title", None)
            parts = (said.get(name, ""), field.pop("description", ""))
            if any(parts):
                field["description"] = " ".join(filter(None, parts))
        return made


def described_by(documented: object) -> str:
    """What a docstring says, without its parts for programmers; each paragraph in one line."""
    text = inspect.getdoc(documented) or ""
    return _LINE_END.sub(" ", _PART.split(text)[0]).strip()


def attributes(form: type) -> dict[str, str]:
    """The fields of a form and of those it is made from, each with a sentence about it."""
    found = {}
    for each in reversed(form.__mro__):
        _, _, listed = inspect.cleandoc(each.__doc__ or "").partition("\nAttributes:\n")
        for names, text in _ATTRIBUTE.findall(listed):
            sentence = _LINE_END.sub(" ", text)
            for name in names.split(", "):
                found[name] = sentence[:1].upper() + sentence[1:]
    return found
