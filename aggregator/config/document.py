"""The configuration file as plain TOML, and the paths in the state directory.

A command that only reads the ledger needs no more, and starts several times faster without pydantic
and the models.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gitmeter.support.errors import GitmeterError

CONFIG_PATH_DEFAULT: Final = Path("/etc/gitmeter/aggregator.toml")
STATE_DEFAULT: Final = Path("/var/lib/gitmeter")
STATE_ENVIRONMENT: Final = "AGGREGATOR_STATE"
_FIX_HINT: Final = "fix these and run `aggregator config check`"


class ConfigError(GitmeterError):
    """The configuration cannot be used.

    Attributes:
        faults: a sentence for each fault, with its key.
    """

    def __init__(self, path: Path, faults: list[str], *, hint: str = _FIX_HINT) -> None:
        super().__init__(
            f"the configuration {path} cannot be used:\n" + "\n".join(f"  {f}" for f in faults),
            hint=hint,
        )
        self.faults = faults


def read_document(
    path: Path, *, state: Path | None = None, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Read the tables of the file, with the `state` that is in force; no `state` for the default.

    Args:
        path: the TOML file.
        state: the state directory given on the command line, which overrides everything else.
        environment: the environment variables; `AGGREGATOR_STATE` overrides the file, and
            systemd's `STATE_DIRECTORY` is used if the file has no `state`.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(
            path,
            [f"it cannot be read: {error.strerror}"],
            hint="`aggregator --config FILE init` writes one to start from",
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(path, [f"not TOML: {error}"]) from None
    given = state or environment.get(STATE_ENVIRONMENT)
    if given:
        document["state"] = given
    elif "state" not in document and "STATE_DIRECTORY" in environment:
        document["state"] = environment["STATE_DIRECTORY"]
    return document


def database_in(state: Path) -> Path:
    """The ledger's database file in a state directory."""
    return state / "ledger.db"


def mirrors_in(state: Path) -> Path:
    """The folder of all mirrors in a state directory."""
    return state / "mirrors"


def mirror_in(state: Path, name: str) -> Path:
    """The mirror of the repo with this name in a state directory."""
    return mirrors_in(state) / f"{name}.git"
