"""The configuration that `aggregator init` writes as a start, generated from the model."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final, get_args

import tomlkit
from pydantic.fields import FieldInfo

from aggregator.config.repos import Section
from aggregator.config.settings import NODES_DIR_NAME, Config

_INTRODUCTION: Final = (
    "gitmeter aggregator. Every key is optional except the repos; those in comments show their"
    " default or, in tables, an example. Secrets are never written here: keys name the files that"
    " contain them."
)
_WIDTH: Final = 100
_IN_USE: Final = ("state", "allowed_signers_file")
"""The keys that `init` writes as settings; all others are comments."""


def example(path: Path, state: Path | None = None) -> str:
    """Generate a configuration to start from, with a comment on each key.

    Args:
        path: the file it will be written to; the allowed signers are expected beside it.
        state: the state directory it names; None for the default.
    """
    given: dict[str, Any] = {
        "allowed_signers_file": str(signers_beside(path)),
        "nodes_dir": str(path.absolute().with_name(NODES_DIR_NAME)),
    }
    if state is not None:
        given["state"] = str(state.absolute())
    keys, tables = [], []
    for name, field in Config.model_fields.items():
        if field.exclude:
            continue
        if examples := _examples(field):
            header = "[[repo]]" if name == "repo" else f"[{field.alias or name}]"
            tables.append(_tables(header, field, examples))
        else:
            keys.append(_key(name, field, given))
    return "\n\n".join([_commented(_INTRODUCTION), *keys, *tables]) + "\n"


def signers_beside(path: Path) -> Path:
    """The file beside a configuration in which `init` puts the allowed signers."""
    return path.absolute().with_name("allowed_signers")


def _key(name: str, field: FieldInfo, given: Mapping[str, Any]) -> str:
    value = given.get(name, field.default)
    line = _assignment(name, str(value) if isinstance(value, Path) else value)
    if name not in _IN_USE:
        line = f"# {line}"
    return f"{_commented(field.description or '')}\n{line}"


def _tables(header: str, field: FieldInfo, examples: list[dict[str, Any]]) -> str:
    lines = [_commented(field.description or "")]
    for values in examples:
        lines += ["#", f"# {header}"]
        lines += (f"# {_assignment(key, value)}" for key, value in values.items())
    return "\n".join(lines)


def _examples(field: FieldInfo) -> list[dict[str, Any]]:
    """Examples of a table, one for each time it is shown; none for a plain key."""
    if field.examples:
        return field.examples
    kinds = [kind for kind in get_args(field.annotation) if kind is not NoneType]
    if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], Section):
        keys = kinds[0].model_fields.items()
        return [{name: key.examples[0] for name, key in keys if key.examples}]
    return []


def _assignment(name: str, value: Any) -> str:  # noqa: ANN401 - whatever a key may hold
    return f"{name} = {tomlkit.item(value).as_string()}"


def _commented(text: str) -> str:
    lines = textwrap.wrap(text, _WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    return "\n".join(f"# {line}" for line in lines)
