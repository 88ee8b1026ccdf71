"""`node-pusher correct`: record by how much an earlier record was wrong."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitmeter.support.terminal import print_json
from node_pusher.cli.home import json_option

if TYPE_CHECKING:
    from node_pusher.sending.correct import RecordedCorrection


@click.command()
@click.argument("seq", type=click.IntRange(min=1))
@click.option("--units", metavar="DELTA", type=int, help="What to add to the record's quantity: 100"
              " adds 100 units to it, -100 takes 100 off it. Not the new quantity: that is"
              " --to.")  # fmt: skip
@click.option("--to", "total", metavar="TOTAL", type=click.IntRange(min=0), help="The record's new"
              " quantity, with all its corrections; 0 takes all of it away.")  # fmt: skip
@click.option("--reason", required=True, help="Why: up to 200 printable ASCII characters.")
@click.option("--id", help="An id of your own: the same id and correction again is recorded"
              " once, so a retry is safe.")  # fmt: skip
@json_option
@click.pass_obj
def correct(
    home: Path,
    /,
    seq: int,
    units: int | None,
    total: int | None,
    reason: str,
    id: str | None,  # noqa: A002 - the option's own name
    as_json: bool,  # noqa: FBT001 - click
) -> None:
    """Correct the quantity of the earlier record SEQ of this node.

    Give either --units or --to. The record itself stays as it is: a correction of it is recorded,
    which counts in the record's own hour once it has been pushed and billed. A record may be
    corrected several times, but never below zero. `node-pusher log` and `git show` list records
    with their seqs.

    \b
    node-pusher correct 17 --units -100 --reason 'counted twice by the broker'
    node-pusher correct 17 --to 0 --reason 'a test, not a customer' --id ticket-4711
    """
    from node_pusher.sending.correct import correct as record_correction
    from node_pusher.spool.api import Spool

    if (units is None) == (total is None):
        raise click.UsageError("give either --units (what to add) or --to (the new quantity)")
    with Spool.open(home) as spool:
        done = record_correction(spool, seq, reason=reason, units=units, total=total, id=id)
    _print_correction(done, as_json=as_json)


def _print_correction(done: "RecordedCorrection", *, as_json: bool) -> None:
    from wire_format.instants import format_ts

    line, recorded = done.line, done.recorded
    if done.segments_unread:
        click.echo(
            f"warning: {done.segments_unread} of this node's files are not on this machine;"
            " corrections in them were not counted",
            err=True,
        )
    if as_json:
        print_json(
            {
                "node": recorded.node,
                "seq": recorded.seq,
                "ts": format_ts(recorded.ts),
                "corrects": line.corrects,
                "user": line.user,
                "resource": line.resource,
                "units": line.units,
                "units_before": done.units_before,
                "units_after": done.units_after,
                "segments_unread": done.segments_unread,
                "repeated": recorded.repeated,
            }
        )
        return
    again = " (recorded before)" if recorded.repeated else ""
    click.echo(
        f"{recorded.node} seq {recorded.seq} corrects seq {line.corrects} of {line.user}:"
        f" {done.units_before} {'+' if line.units > 0 else '-'} {abs(line.units)} ="
        f" {done.units_after} units of {line.resource}{again}"
    )
