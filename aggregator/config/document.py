"""The configuration file before its models: TOML, and where the state directory is.

A question to the ledger needs no more than that, and starts several times faster without them.
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
_MEND_HINT: Final = "mend these and run `aggregator config check`"


class ConfigError(GitmeterError):
    """The configuration cannot be used.

    Attributes:
        faults: one sentence for each thing that is wrong, with its key.
    """

    def __init__(self, path: Path, faults: list[str], *, hint: str = _MEND_HINT) -> None:
        super().__init__(
            f"the configuration {path} cannot be used:\n" + "\n".join(f"  {f}" for f in faults),
            hint=hint,
        )
        self.faults = faults


def read_document(
    path: Path, *, state: Path | None = None, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """The tables of the file, with `state` as it is in force; absent for the default.

    Args:
        path: the TOML file.
        state: from the command line; goes before everything else.
        environment: looked at for `AGGREGATOR_STATE`, then for systemd's `STATE_DIRECTORY`.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
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
    """The ledger's file in a state directory."""
    return state / "ledger.db"


def mirrors_in(state: Path) -> Path:
    """The folder of all mirrors in a state directory."""
    return state / "mirrors"


def mirror_in(state: Path, name: str) -> Path:
    """The mirror of the repo with this name in a state directory."""
    return mirrors_in(state) / f"{name}.git"
