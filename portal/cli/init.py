"""`portal init`: make a folder the home of a desk."""

from pathlib import Path
from typing import Any

import click

from gitmeter.support.terminal import print_json
from node_pusher.cli.home import home_of, json_option, remote_options, vouched_of
from node_pusher.cli.init import init_values, print_init
from portal.cli.common import utc_now


@click.command()
@click.option("--node", required=True, help="The name of this desk: a-z, 0-9 and -.")
@remote_options
@json_option
@click.pass_obj
def init(home: Path, /, node: str, *, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Make this folder the home of a desk, whose lines the portal writes.

    Its repo is one of its own, which nobody else pushes to. A repo that has this desk's history is
    joined in a new epoch, so that no seq is ever used twice; its commits must be signed by this
    home's own keys, or by those of the machine that this one replaces (--allowed-signers), or you
    name a commit that you trust (--trust-tip). Running the same command again changes nothing; it
    only restores what was lost.

    A new home gets a key that signs its commits. The operator adds its line, printed here and by
    `portal show-key`, to the allowed signers, and states in the books (rules/writers.toml) what
    this desk may give.

    \b
    portal init --node desk-1 --remote https://forge.example/ops/desk-1.git \\
        --token-file /etc/gitmeter/desk_token
    """
    from node_pusher.joining.init import init as make

    wanted, vouched = home_of(home, node, options), vouched_of(options)
    report = make(wanted, utc_now(), rejoin=rejoin, vouched=vouched)
    if as_json:
        print_json(init_values(report))
        return
    print_init(report, unchanged="nothing to do")
