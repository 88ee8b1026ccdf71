"""Options that programs share: which home a command works on, and how to reach its remote."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from node_pusher.home.home import Home
    from node_pusher.home.settings import Role
    from node_pusher.joining.trust import Vouched

HOME_DEFAULT: Final = "/var/lib/node-pusher"
ROLE_KEY: Final = "gitmeter.role"
"""The key in click's context for what the running program's homes carry: commands are shared."""

_Command = Callable[..., Any]

json_option: Final = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs."
)


def home_option(command: _Command) -> _Command:
    """The option that names a node's home."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="NODE_PUSHER_HOME",
        default=HOME_DEFAULT,
        show_default=True,
        show_envvar=True,
        help="The node's folder.",
    )(command)


def remote_options(command: _Command) -> _Command:
    """The options that say where the repo is, what opens it, and which commits are trusted."""
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--trust-tip", metavar="ID", help="Build on this commit of the remote,"
                     " whoever signed it: all 40 digits of one that you have looked at."),
        click.option("--allowed-signers", type=file, help="Build on commits that these keys"
                     " signed: the file allowed_signers of the machine that this one replaces."),
        click.option("--rejoin", is_flag=True, help="This home was restored from a backup, or the"
                     " remote went ahead of it: take over what the remote holds, in a new epoch;"
                     " records that were not sent are kept and sent on top. With the --remote of"
                     " the repo that the node has gone on to since, if it has."),
        click.option("--branch", default="main", show_default=True, help="The branch to push."),
        click.option("--known-hosts", type=file, help="Keys of the servers to trust (ssh)."),
        click.option("--ssh-key", type=file, help="Private key (ssh)."),
        click.option("--token-file", type=file, help="File of mode 600 with an access token"
                     " (https)."),
        click.option("--remote", required=True, metavar="URL", help="https://, ssh:// or"
                     " file:///path of a repo that exists; empty, or this node's own."),
    ):  # fmt: skip
        command = option(command)
    return command


def home_of(path: Path, node: str, options: dict[str, Any]) -> "Home":
    """The home that the options of `init` describe."""
    from gitmeter.git_remote.remote import Remote
    from node_pusher.home.home import new_home

    remote = Remote(
        options["remote"], options["token_file"], options["ssh_key"], options["known_hosts"]
    )
    return new_home(path, node, remote, options["branch"], role())


def vouched_of(options: dict[str, Any]) -> "Vouched":
    """What the person vouches for with the options of `init`."""
    from node_pusher.joining.trust import Vouched

    return Vouched(options["trust_tip"], options["allowed_signers"])


def load_home(path: Path) -> "Home":
    """The home in this folder, which must have the running program's role.

    Raises:
        NotInitialisedError, HomeError: see `node_pusher.home.settings_file.read_home`.
    """
    from node_pusher.home.settings_file import read_home

    return read_home(path, role())


def role() -> "Role":
    """What the homes of the running program carry."""
    found: Role = click.get_current_context().meta[ROLE_KEY]
    return found
