"""Load `till.toml` into a frozen model; every fault is listed with its key."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gitmeter.roles.role import HOMES
from gitmeter.support.errors import GitmeterError

if TYPE_CHECKING:
    from till.config.tables import TillConfig

CONFIG_DEFAULT: Final = Path("/etc/gitmeter/till.toml")
HOME_DEFAULT: Final = Path(HOMES["till"])
_FIX: Final = "`till config-example` prints one to start from"


class TillConfigError(GitmeterError):
    """The configuration of a till cannot be used."""

    def __init__(self, path: Path, faults: list[str]) -> None:
        super().__init__(
            f"the configuration {path} cannot be used:\n" + "\n".join(f"  {f}" for f in faults),
            hint=_FIX,
        )


def read_tables(path: Path) -> dict[str, Any]:
    """The tables of the file as plain TOML.

    Raises:
        TillConfigError: it cannot be read, or is not TOML.
    """
    import tomllib

    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise TillConfigError(path, [f"it cannot be read: {error.strerror}"]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TillConfigError(path, [f"not TOML: {error}"]) from None


def home_of(path: Path) -> Path:
    """The home that a configuration names; the default one where there is no configuration.

    Commands that a till shares with nodes need nothing else of it.

    Raises:
        TillConfigError: there is one that cannot be read.
    """
    if not path.exists():
        return HOME_DEFAULT
    home = read_tables(path).get("home", str(HOME_DEFAULT))
    if not isinstance(home, str) or not home:
        raise TillConfigError(path, ["home: must be a path, in quotes"])
    return Path(home)


def load_config(path: Path) -> "TillConfig":
    """Read the configuration.

    Raises:
        TillConfigError: it cannot be used; lists every fault with its key.
    """
    from pydantic import ValidationError

    from till.config.tables import TillConfig
    from wire_format.wording import numbered, sentences

    tables = read_tables(path)
    try:
        return TillConfig.model_validate(tables)
    except ValidationError as error:
        raise TillConfigError(path, sentences(error, numbered)) from None
