"""Load the configuration of a program into a frozen model; every fault is listed with its key."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from gitmeter.roles.role import HOMES, PROGRAMS, Role
from gitmeter.support.errors import GitmeterError

if TYPE_CHECKING:
    from front.tables import ConfigTable

    T = TypeVar("T", bound=ConfigTable)

_FOLDER: Final = Path("/etc/gitmeter")


class ConfigFileError(GitmeterError):
    """The configuration of a program cannot be used."""


class ConfigFile(NamedTuple):
    """The configuration of the program of a role.

    Attributes:
        role: whose program.
        path: the file.
    """

    role: Role
    path: Path

    def tables(self) -> dict[str, Any]:
        """The tables of the file as plain TOML.

        Raises:
            ConfigFileError: it cannot be read, or is not TOML.
        """
        import tomllib

        try:
            return tomllib.loads(self.path.read_text())
        except OSError as error:
            raise self._unusable(f"it cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise self._unusable(f"not TOML: {error}") from None

    def home(self) -> Path:
        """The home that it names; the default one where there is no configuration.

        Commands that the program shares with nodes need nothing else of it.

        Raises:
            ConfigFileError: there is one that cannot be read.
        """
        if not self.path.exists():
            return Path(HOMES[self.role])
        home = self.tables().get("home", HOMES[self.role])
        if not isinstance(home, str) or not home:
            raise self._unusable("home: must be a path, in quotes")
        return Path(home)

    def load(self, model: "type[T]") -> "T":
        """Read all of it.

        Raises:
            ConfigFileError: it cannot be used; lists every fault with its key.
        """
        from pydantic import ValidationError

        from wire_format.wording import numbered, sentences

        tables = self.tables()
        try:
            return model.model_validate(tables)
        except ValidationError as error:
            raise self._unusable(*sentences(error, numbered)) from None

    def _unusable(self, *faults: str) -> ConfigFileError:
        return ConfigFileError(
            f"the configuration {self.path} cannot be used:\n"
            + "\n".join(f"  {fault}" for fault in faults),
            hint=f"`{PROGRAMS[self.role]} config-example` prints one to start from",
        )


def default_path(role: Role) -> Path:
    """Where the configuration of a role's program is unless another one is named."""
    return _FOLDER / f"{PROGRAMS[role]}.toml"
