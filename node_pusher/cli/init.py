"""`node-pusher init`: make a folder the home of a node."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import home_of, json_option, remote_options, vouched_of

if TYPE_CHECKING:
    from node_pusher.joining.init import InitReport

SPOOL_LOST: Final = (
    "warning: the spool was lost; this home continues in epoch {epoch}; what was recorded and not"
    " committed is gone"
)


@click.command()
@click.option("--node", required=True, help="This node's name: a-z, 0-9 and -.")
@remote_options
@json_option
@click.pass_obj
def init(home: Path, /, node: str, rejoin: bool, as_json: bool, **options: Any) -> None:  # noqa: ANN401, FBT001 - click passes options by name
    """Make this folder the home of a node.

    Claims an epoch on the remote, so it must be allowed to push. A repo that already has this
    node's history is joined in a new epoch, so that no seq is ever used twice; its commits must be
    signed by this home's own keys, or by those of the machine that this one replaces
    (--allowed-signers), or you name a commit that you trust (--trust-tip). Running the same command
    again changes nothing; it only restores what was lost.

    A new home gets a key that signs its commits. The operator adds its line, printed here and by
    `show-key`, to the allowed signers.

    \b
    node-pusher init --node embedder-01 --remote file:///srv/git/embedder-01.git
    node-pusher init --node embedder-01 --remote https://forge.example/ops/embedder-01.git \\
        --token-file /etc/node-pusher/token
    """
    from node_pusher.joining.init import init as make

    report = make(
        home_of(home, node, options),
        datetime.now(UTC),
        rejoin=rejoin,
        vouched=vouched_of(options),
    )
    if as_json:
        print_json(init_values(report))
        return
    print_init(report, unchanged="nothing to do")


def init_values(report: "InitReport") -> dict[str, Any]:
    """What `init --json` prints."""
    return {
        "node": report.node,
        "next_seq": report.next_seq,
        "epoch": report.epoch,
        "outcome": report.outcome,
        "left_behind": report.left_behind,
        "spool_lost": report.spool_lost,
        "key_made": report.key_made,
        "allowed_signers_line": report.signer.line,
        "fingerprint": report.signer.fingerprint,
    }


def print_init(report: "InitReport", unchanged: str) -> None:
    """Print what `init` did; `unchanged` describes a home that existed already."""
    outcomes = {
        "created": "a new home",
        "joined": f"joined what the remote holds, in epoch {report.epoch}",
        "rejoined": f"took over what the remote holds, in epoch {report.epoch}",
        "unchanged": unchanged,
    }
    if report.spool_lost:
        click.echo(SPOOL_LOST.format(epoch=report.epoch), err=True)
    click.echo(
        f"{report.node}: {outcomes[report.outcome]}; the next record is seq {report.next_seq}"
    )
    for subject in report.left_behind:
        click.echo(f"not carried over, to be done again: {escape(subject)}")
    if report.key_made:
        click.echo("it signs with a new key; for the operator's allowed signers:")
    else:
        click.echo("it signs with this key:")
    click.echo(report.signer.line)
