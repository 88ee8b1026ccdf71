"""`doctor`: check everything that a home needs."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import json_option, role

if TYPE_CHECKING:
    from node_pusher.doctor.findings import Finding

_COLOURS: Final = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command()
@json_option
@click.pass_obj
def doctor(home: Path, /, as_json: bool) -> None:  # noqa: FBT001 - click
    """Check everything that this home needs, and say what to do.

    Checks settings, spool, disk, lock, key, remote, write access, how the last push ended, clock,
    dates, timer, listener and programs. Changes nothing, sends nothing, and takes half a minute at
    most. Exits with 1 if there is a problem; a warning is not a problem yet.
    """
    from node_pusher.doctor.examine import examine, is_well

    findings = examine(home, role(), datetime.now(UTC))
    print_findings(findings, as_json=as_json)
    if not is_well(findings):
        sys.exit(ExitCode.FAILED)


def print_findings(findings: "list[Finding]", *, as_json: bool) -> None:
    """Print what checks found, for people or as JSON."""
    if as_json:
        _print_json(findings)
    else:
        _print(findings)


def _print_json(findings: "list[Finding]") -> None:
    counts = {
        f"{name}s": sum(f.health == name for f in findings) for name in ("problem", "warning")
    }
    print_json({**counts, "checks": [finding._asdict() for finding in findings]})


def _print(findings: "list[Finding]") -> None:
    for finding in findings:
        health = click.style(f"{finding.health:<8}", fg=_COLOURS[finding.health])
        click.echo(f"{health} {finding.check:<9} {escape(finding.says)}")
        if finding.do:
            click.echo(f"{'':<18} -> {escape(finding.do)}")
