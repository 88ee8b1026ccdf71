"""Reading and writing `node.toml`."""

from pathlib import Path
from typing import Final

from gitmeter.git_remote.failures import RemoteConfigError
from gitmeter.roles.role import Role
from gitmeter.support.files import write_durably
from node_pusher.home.errors import HomeError, NotInitialisedError
from node_pusher.home.home import Home, wrong_role
from node_pusher.home.layout import OWNER_HINT, is_shared, settings_file
from node_pusher.home.settings import parse_settings, settings_text

_LIVES: Final[dict[Role, str]] = {
    "usage": "node lives",
    "books": "books live",
    "till": "till lives",
    "desk": "desk lives",
}


def read_home(path: Path, role: Role | None = None) -> Home:
    """Read the settings of a home.

    Args:
        path: its folder.
        role: what its repos must carry; None for any.

    Raises:
        NotInitialisedError: there are none.
        HomeError: they cannot be read or are wrong, or the home has another role.
    """
    home = find_home(path)
    if home is None:
        raise NotInitialisedError(
            f"no {_LIVES[role or 'usage']} in {path}",
            hint="name its folder with --home, or run `init` first",
        )
    if role is not None and home.settings.role != role:
        raise wrong_role(home, role)
    return home


def find_home(path: Path) -> Home | None:
    """As `read_home`, but None where there are no settings."""
    file = settings_file(path)
    try:
        return Home(path, parse_settings(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise HomeError(f"{file}: {error.strerror}", hint=OWNER_HINT) from error
    except (KeyError, TypeError, AttributeError, RemoteConfigError) as error:
        raise HomeError(f"{file} is not what `init` writes: {error}") from error
    except (OSError, ValueError) as error:
        raise HomeError(f"{file}: {error}") from error


def reread(home: Home) -> Home:
    """The home as its settings say now: a rollover or a new address may have changed them."""
    return find_home(home.path) or home


def write_home(home: Home) -> None:
    """Write the settings, all or nothing; see `is_shared` for who may read them."""
    mode = 0o640 if is_shared(home.path) else 0o600
    write_durably(settings_file(home.path), settings_text(home.settings).encode(), mode)
