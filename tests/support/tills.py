"""Programs of tills and desks as far as they are everyone's: the shared commands, and money taken.

program = RoleProgram("till", folder / "home")
program("init", "--node", "till-1", "--remote", url)
take(program.home, "till", now)
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from gitmeter.roles.role import PROGRAMS, Role
from gitmeter.support.lazy_group import LazyGroup
from node_pusher.cli.home import ROLE_KEY
from node_pusher.cli.program import COMMANDS
from node_pusher.spool.api import Spool
from node_pusher.spool.drafts import UNNUMBERED
from node_pusher.spool.outcomes import Recorded
from tests.support.programs import Said, run_program
from wire_format.lines import Folder, Money


class RoleProgram:
    """A program of a role that has registered the shared commands, on one home."""

    def __init__(self, role: Role, home: Path) -> None:
        self.role = role
        self.home = home

    def __call__(self, *arguments: str) -> Said:
        """Run a command, whatever comes of it."""
        # as the programs: click remembers the names of the option for help, command by command
        settings = {"help_option_names": ["-h", "--help"]}

        @click.group(cls=LazyGroup, commands=COMMANDS, context_settings=settings)
        @click.option("--home", type=click.Path(path_type=Path), default=self.home)
        @click.pass_context
        def cli(context: click.Context, home: Path) -> None:
            context.obj = home
            context.meta[ROLE_KEY] = self.role

        return run_program(cli, PROGRAMS[self.role], *arguments)

    def json(self, *arguments: str) -> Any:  # noqa: ANN401 - whatever JSON can say
        """What a command prints with `--json`, which must end well."""
        return self(*arguments, "--json").ok().json


def take(home: Path, role: Role, now: datetime, count: int = 1) -> list[int]:
    """Record money in the spool of a home and return the numbers.

    Payments, as a till does; adjustments, as a desk does.
    """
    with Spool.open(home, role=role, clock=lambda: now) as spool:
        names = [f"{now:%Y%m%dT%H%M%S}n{number}" for number in range(count)]
        lines = [_line(spool.node, role, now, name) for name in names]
        outcomes = spool.append(Folder.PAYMENTS, lines)
    assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes
    return [outcome.seq for outcome in outcomes if isinstance(outcome, Recorded)]


def _line(node: str, role: Role, ts: datetime, name: str) -> Money:
    stated: dict[str, Any]
    if role == "till":
        stated = {"kind": "payment", "provider": "stripe", "amount": "20.00"}
        stated |= {"external_ref": f"pi_{name}", "attempt": f"topup:{name}"}
    else:
        stated = {"kind": "adjustment", "provider": "manual", "amount": "1.00"}
        stated |= {"external_ref": f"goodwill:{name}", "reason": "a bad day"}
    return Money(
        v=2,
        node=node,
        seq=UNNUMBERED,
        ts=ts,
        user="alice",
        currency="USD",
        status="succeeded",
        **stated,
    )
