"""How commands about nodes run: each step and the result are printed."""

import sys
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

import click

from aggregator.cli.context import Context, now
from gitmeter.roles.role import HOMES
from gitmeter.support.terminal import escape, print_json

if TYPE_CHECKING:
    from aggregator.fleet.setup.provision import Provisioned, Provisioner
    from aggregator.fleet.setup.repo_setup import Step
    from aggregator.forge.interface import Forge, ForgeRepo

T = TypeVar("T")


home_option = click.option(
    "--home",
    metavar="DIR",
    help="The node's home, on its machine. Default: that of its program, such as"
    f" {HOMES['usage']}.",
)


def files_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add options for the secrets of the person who sets nodes up, if not the daemon's."""
    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--webhook-secret-file", type=file, envvar="AGGREGATOR_WEBHOOK_SECRET_FILE",
                     show_envvar=True, help="Instead of [listen] webhook_secret_file."),
        click.option("--token-file", type=file, envvar="AGGREGATOR_FORGE_TOKEN_FILE",
                     show_envvar=True, help="Instead of [forge] token_file: the daemon's token"
                     " needs only read access, this one write access too."),
    ):  # fmt: skip
        command = option(command)
    return command


class Task:
    """One action on a node.

    Args:
        context: gives access to the configuration.
        as_json: print nothing until the end, then everything as JSON.
    """

    def __init__(self, context: Context, *, as_json: bool) -> None:
        self._config = context.config()
        self._as_json = as_json
        self._steps: list[Step] = []
        self._warning = ""

    def run(self, action: "Callable[[Provisioner], T]") -> T:
        """Run an action and print its steps."""
        from aggregator.fleet.setup.provision import Provisioner

        return action(Provisioner(self._forge(), self._config, now(), self._on_step))

    def add_table(self, name: str, *, adopt: bool) -> "ForgeRepo":
        """Set up the repo of a `[[repo]]` table and print the steps."""
        from aggregator.fleet.setup.tables import add_table

        return add_table(self._forge(), self._config, name, self._on_step, adopt=adopt)

    def _forge(self) -> "Forge":
        from aggregator.fleet.setup.registry import forge_config
        from aggregator.forge import open_forge

        return open_forge(forge_config(self._config), wait)

    def print_result(
        self, outcome: "Provisioned | None" = None, command: str | None = None
    ) -> None:
        """Print the result of the action.

        Args:
            outcome: the result of an action on a node; None if the action was not on a node.
            command: the command to run on the node; None if there is none.
        """
        if self._as_json:
            print_json(
                {"steps": [step._asdict() for step in self._steps]}
                | ({} if outcome is None else _shown(outcome))
                | ({} if command is None else {"command": command})
            )
            return
        if self._warning:
            click.echo(f"warning: {self._warning}", err=True)
        if command is not None:
            click.echo("on its machine, as the user of its home:", err=True)
            click.echo(escape(command))

    def known_hosts(self) -> str | None:
        """The text of the file with the forge's own ssh keys; None if none is configured.

        Raises:
            FleetError: the file cannot be read, or has no key that may be the forge's.
        """
        from aggregator.fleet.known_hosts import forge_known_hosts
        from aggregator.fleet.setup.registry import forge_config

        forge = forge_config(self._config)
        if forge.known_hosts_file is None:
            self._warning = (
                "[forge] known_hosts_file is not set, so the node must know the forge's ssh key"
            )
            return None
        return forge_known_hosts(forge, forge.known_hosts_file)

    def _on_step(self, step: "Step") -> None:
        self._steps.append(step)
        if not self._as_json:
            click.echo(escape(f"{step.what}: {step.name}: {step.done}"))


def _shown(outcome: "Provisioned") -> dict[str, object]:
    from aggregator.fleet.node_keys import fingerprint

    node = outcome.registration
    return {
        "node": node.node,
        "role": node.role,
        "is_retired": node.retired_at is not None,
        "keys": [fingerprint(key.line) for key in node.open_keys()],
        "repos": [repo.name for repo in node.repos],
        "ssh_url": outcome.ssh_url,
    }


def home_of(stated: str | None, role: str) -> PurePosixPath:
    """The home of a node on its machine: the one that was stated, or its program's."""
    return PurePosixPath(stated or HOMES[role])


def read_line(key: str | None) -> str | None:
    """The value of `--key`; for `-`, what standard input holds."""
    return sys.stdin.read() if key == "-" else key


def wait(pause_s: int) -> None:
    """Wait as long as the forge asks."""
    click.echo(f"the forge asks to wait {pause_s} s", err=True)
    time.sleep(pause_s)
