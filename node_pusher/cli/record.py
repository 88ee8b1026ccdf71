"""`node-pusher record`: one use, or a stream of them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import counted, escape, print_json

if TYPE_CHECKING:
    from node_pusher.spool.stream import StreamReport

_APPLIES_TO: Final = ("hero_os_hourly", "llm", "vm")


@click.command()
@click.argument("source", type=click.Choice(["-"]), required=False)
@click.option("--user", help="Who pays: an account id.")
@click.option("--resource", help="What was used, unit included: vm/small/seconds.")
@click.option("--units", type=click.IntRange(min=0), help="How much of it, in whole units.")
@click.option("--applies-to", type=click.Choice(_APPLIES_TO), default=_APPLIES_TO[0],
              show_default=True, help="Discount category.")  # fmt: skip
@click.option("--instance", help="Which VM, API key or project.")
@click.option("--id", help="An id of your own: the same id and content again gives the same seq,"
              " for 7 days at least, so a retry is safe.")  # fmt: skip
@click.option("--ts", help="Time with offset: 2026-11-21T13:05:00Z. Default: now.")
@click.option("--meta", multiple=True, metavar="KEY=VALUE", help="Shown in audits; may be given"
              " several times. Whole numbers are stored as numbers.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def record(home: Path, /, source: str | None, as_json: bool, **values: Any) -> None:  # noqa: ANN401, FBT001 - click passes options by name
    """Record one use, or with `-` one per line of standard input.

    A record is on disk before the command returns. Lines of standard input are JSON objects with
    the names of the options as keys (`applies_to`; `meta` is an object); each bad line is reported
    on standard error and does not affect the others.

    \b
    node-pusher record --user alice --resource llm/openai/gpt-4o/output_tokens --units 512 \\
        --applies-to llm --id req-8c1f
    echo '{"user":"alice","resource":"hero_os/seconds","units":3600}' | node-pusher record -
    """
    if source is not None:
        context = click.get_current_context()
        stated = [f"--{name.replace('_', '-')}" for name in values
                if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]  # fmt: skip
        if stated:
            raise click.UsageError(
                f"{', '.join(stated)}: with - everything comes from standard input, where each line"
                " states its own"
            )
        sys.exit(_record_stream(home, as_json=as_json))
    if missing := [name for name in ("user", "resource", "units") if values[name] is None]:
        raise click.UsageError(f"missing --{', --'.join(missing)} (or - for standard input)")
    from node_pusher.spool.api import Spool
    from wire_format.instants import format_ts

    with Spool.open(home) as spool:
        done = spool.record(**(values | {"meta": _meta(values["meta"])}))
    if as_json:
        print_json({"node": done.node, "seq": done.seq, "ts": format_ts(done.ts),
                    "repeated": done.repeated})  # fmt: skip
    else:
        again = " (recorded before)" if done.repeated else ""
        click.echo(f"{done.node} seq {done.seq} at {format_ts(done.ts)}{again}")


def _record_stream(home: Path, *, as_json: bool) -> ExitCode:
    from node_pusher.cli.interrupts import interrupts
    from node_pusher.spool.api import Spool
    from node_pusher.spool.stream import StreamReport, record_stream

    def refused(line_no: int, reason: str) -> None:
        click.echo(f"line {line_no}: {escape(reason)}", err=True)

    report = StreamReport()
    with Spool.open(home) as spool, interrupts() as interrupted:
        try:
            record_stream(spool, sys.stdin.fileno(), refused, report, interrupted)
        finally:  # after any error, say what is on disk
            _print_report(report, as_json=as_json)
    if report.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if report.refused else ExitCode.OK


def _print_report(report: "StreamReport", *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    span = "" if report.first_seq is None else f", seq {report.first_seq}..{report.last_seq}"
    again = f", {report.repeated} recorded before" if report.repeated else ""
    bad = f", {counted(report.refused, 'bad line')}" if report.refused else ""
    read = f", {counted(report.lines, 'line')} read; interrupted" if report.interrupted else ""
    click.echo(f"recorded {counted(report.recorded, 'record')}{span}{again}{bad}{read}")


def _meta(pairs: tuple[str, ...]) -> dict[str, int | str] | None:
    meta: dict[str, int | str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key in meta:
            raise click.UsageError(f"--meta takes KEY=VALUE, each key once, not {pair!r}")
        try:
            number = int(value)
        except ValueError:
            meta[key] = value
        else:
            meta[key] = number if str(number) == value else value
    return meta or None
