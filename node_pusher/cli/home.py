"""Options that commands share: the home, its remote, what is trusted there, and spans of seqs."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gitmeter.roles.role import HOMES

if TYPE_CHECKING:
    from gitmeter.roles.role import Role
    from node_pusher.home.home import Home
    from node_pusher.joining.trust import Vouched

ROLE_KEY: Final = "gitmeter.role"
"""The key in click's context for the role of the running program, since programs share commands."""

_SPAN: Final = re.compile(r"([0-9]{1,16})(?:\.\.([0-9]{1,16}))?")
_Command = Callable[..., Any]
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class SpanType(click.ParamType[tuple[int, int | None]]):
    """A seq or a range of them: `17` or `17..40`; the end is None for a single one."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        """Read a range from the command line."""
        match = _SPAN.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is not a seq such as 17, nor a range such as 17..40", param, ctx)
        first, last = int(match[1]), int(match[2] or match[1])
        return first, None if last == first else last


def home_option(command: _Command) -> _Command:
    """Add the option that names a node's home."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="NODE_PUSHER_HOME",
        default=HOMES["usage"],
        show_default=True,
        show_envvar=True,
        help="The node's home.",
    )(command)


def remote_options(command: _Command) -> _Command:
    """Add the options for the repo, its credentials, and the commits that are trusted in it."""
    command = trust_options(command)
    for option in (
        click.option("--rejoin", is_flag=True, help="For a home that was restored from a backup,"
                     " or that the remote is ahead of: take over what the remote has, in a new"
                     " epoch; unsent records are kept and sent on top. If the node has rolled over"
                     " since, give the --remote of its newest repo."),
        click.option("--branch", default="main", show_default=True, help="The branch to push."),
        click.option("--known-hosts", type=_FILE, help="File with the host keys to trust (ssh)."),
        click.option("--ssh-key", type=_FILE, help="File with the private key (ssh)."),
        click.option("--token-file", type=_FILE, help="File of mode 600 with the access token"
                     " (https)."),
        click.option("--remote", required=True, metavar="URL", help="https://, ssh:// or"
                     " file:///path of a repo that exists; empty, or this node's own."),
    ):  # fmt: skip
        command = option(command)
    return command


def trust_options(command: _Command) -> _Command:
    """Add the options for commits of a remote that are trusted though they were not made here."""
    for option in (
        click.option("--trust-tip", metavar="ID", help="Build on this commit of the remote,"
                     " whoever signed it: all 40 digits of one that you have checked."),
        click.option("--allowed-signers", type=_FILE, help="Build on commits signed by the keys in"
                     " this file: allowed_signers of the machine that this one replaces."),
    ):  # fmt: skip
        command = option(command)
    return command


def other_file_options(command: _Command) -> _Command:
    """Add the options for the files that open another address than the present one."""
    for option in (
        click.option("--known-hosts", type=_FILE, help="File with the host keys to trust (ssh)."
                     " Default: the present one."),
        click.option("--ssh-key", type=_FILE, help="File with the private key (ssh)."
                     " Default: the present one."),
        click.option("--token-file", type=_FILE, help="File of mode 600 with the access token"
                     " (https). Default: the present one, if the server is the same."),
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
    """The commits that the options of `init` vouch for."""
    from node_pusher.joining.trust import Vouched

    return Vouched(options["trust_tip"], options["allowed_signers"])


def load_home(path: Path) -> "Home":
    """Read the home in this folder, which must have the role of the running program.

    Raises:
        NotInitialisedError, HomeError: see `node_pusher.home.settings_file.read_home`.
    """
    from node_pusher.home.settings_file import read_home

    return read_home(path, role())


def role() -> "Role":
    """The role of the homes of the running program."""
    found: Role = click.get_current_context().meta[ROLE_KEY]
    return found
