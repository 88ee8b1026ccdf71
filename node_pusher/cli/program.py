"""The program `node-pusher`: its options, and where each command is."""

from pathlib import Path
from typing import Final

import click

from gitmeter.support.lazy_group import LazyCommand, LazyGroup
from node_pusher.cli.home import ROLE_KEY, home_option

COMMANDS: Final = {
    "init": LazyCommand("node_pusher.cli.init:init", "Make this folder the home of a node."),
    "push": LazyCommand(
        "node_pusher.cli.push:push", "Commit what was recorded and push it: what the timer runs."
    ),
    "resend": LazyCommand(
        "node_pusher.cli.push:resend",
        "Send records again that were committed under a date before their own.",
    ),
    "status": LazyCommand(
        "node_pusher.cli.history:status",
        "Show what is recorded, committed and pushed, without asking the remote.",
    ),
    "log": LazyCommand("node_pusher.cli.history:log", "Show this node's history, newest first."),
    "record": LazyCommand(
        "node_pusher.cli.record:record",
        "Record one use, or with `-` one per line of standard input.",
    ),
    "correct": LazyCommand(
        "node_pusher.cli.correct:correct",
        "Correct the quantity of the earlier record SEQ of this node.",
    ),
    "rotate-key": LazyCommand(
        "node_pusher.cli.keys:rotate_key", "Sign with a new key from now on."
    ),
    "show-key": LazyCommand(
        "node_pusher.cli.keys:show_key", "Print this home's key as a line for allowed signers."
    ),
    "listen": LazyCommand(
        "node_pusher.cli.listen:listen",
        "Record what services send over a Unix socket, until SIGTERM.",
    ),
    "rollover": LazyCommand(
        "node_pusher.cli.rollover:rollover",
        "Continue in this node's next repo, for example once a year.",
    ),
    "set-remote": LazyCommand(
        "node_pusher.cli.set_remote:set_remote",
        "Push to URL from now on: this home's repo has moved there.",
    ),
    "doctor": LazyCommand(
        "node_pusher.cli.doctor:doctor",
        "Check everything that this home needs, and say what to do.",
    ),
}


@click.group(
    cls=LazyGroup,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="gitmeter")
@home_option
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    """Record what users consume on this node, and push it as git commits.

    \b
    node-pusher init --node embedder-01 --remote https://forge.example/ops/embedder-01.git
    node-pusher record --user alice --resource vm/small/seconds --units 3600 --applies-to vm
    node-pusher push
    """
    context.obj = home
    context.meta[ROLE_KEY] = "usage"
