"""Files that tests write for programs to read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit


def write_secret(path: Path, text: str) -> Path:
    """Write a file that only its owner may read, as the programs ask of them; returns its path."""
    path.write_text(text)
    path.chmod(0o600)
    return path


def write_toml(path: Path, values: Mapping[str, Any]) -> Path:
    """Write a configuration, in which paths may stand for their text; returns its path."""
    path.write_text(tomlkit.dumps(_plain(values)))
    return path


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever TOML can say
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
