"""`status`, `doctor` and `acknowledge`: what a till is like, and what a person has seen."""

import sys
from pathlib import Path
from typing import Any

import click

from gitmeter.support.errors import ExitCode, GitmeterError
from gitmeter.support.terminal import counted, escape, print_json
from node_pusher.cli.doctor import print_findings
from node_pusher.cli.home import json_option
from till.cli.common import loaded_config, opened, utc_now


@click.command()
@json_option
@click.pass_obj
def status(home: Path, /, *, as_json: bool) -> None:
    """Show what waits, what came last, and what fails, without asking anybody.

    Lines that are not pushed, the last push, the last event and sweep of each account, objects that
    could not be recorded, and movements that a person has to look at: a payment with another amount
    than was promised, or with a promise that this till did not sign.

    Exits with 1 if something is an incident: an object that failed 10 times or for an hour, a
    movement that nobody has looked at (`till acknowledge`), a commit that was not pushed for 12
    hours, or charging that has stopped.
    """
    from till.examining.status import status as read_status

    with opened(home) as till:
        found = read_status(till)
        if till.config.charge is not None:
            from till.charging.checks import charge_status

            found["charge"] = charge_status(till, till.config.charge)
            found["incidents"] += found["charge"]["stopped"] is not None
    if as_json:
        print_json(found)
    else:
        _print(found)
    if found["incidents"]:
        sys.exit(ExitCode.FAILED)


@click.command()
@json_option
@click.pass_obj
def doctor(home: Path, /, *, as_json: bool) -> None:
    """Check everything that this till needs, and say what to do.

    Checks its home as a node's is checked, the files of keys and secrets, whose keys they are and
    for which mode, when the last event and sweep came, what fails, and how long commits have waited
    for their push. Of a till that charges: what its key may do, whether everything was settled,
    the fuse, when it was told who is due, and attempts that are open for too long. Changes nothing.
    Exits with 1 if there is a problem; a warning is not a problem yet.
    """
    from node_pusher.doctor.examine import examine, is_well
    from node_pusher.doctor.findings import problem
    from till.examining.checks import check_files, examine_till

    findings = [*examine(home, "till", utc_now())]
    findings += check_files(loaded_config())
    try:
        with opened(home) as till:
            findings += examine_till(till)
            if till.config.charge is not None:
                from till.charging.checks import check_charging

                findings += check_charging(till, till.config.charge)
    except GitmeterError as error:
        findings.append(problem("till", str(error), error.hint or "see what it says"))
    print_findings(findings, as_json=as_json)
    if not is_well(findings):
        sys.exit(ExitCode.FAILED)


@click.command()
@click.argument("account")
@click.argument("refs", metavar="REF...", nargs=-1, required=True)
@click.pass_obj
def acknowledge(home: Path, /, *, account: str, refs: tuple[str, ...]) -> None:
    """Say that a person has looked at movements which `till status` shows as faults.

    They are not shown again, unless something else turns out to be wrong with them. No line and no
    balance changes: an undecided payment is decided in the books.

    \b
    till acknowledge stripe pi_3Q8c1f
    """
    with opened(home) as till:
        for ref in refs:
            if not till.marks.acknowledge(account, ref):
                raise GitmeterError(
                    f"nothing is wrong with {ref} of {account}", hint="see `till status`"
                )


def _charge_rows(charge: dict[str, Any]) -> list[tuple[str, str]]:
    begun = counted(charge["attempts_of_hour"], "attempt")
    most = f"{charge['topups_hour_max']} and {charge['topup_usd_hour_max']} USD"
    asked = charge["waiting_for_customers"]
    rows = [
        ("last post", charge["last_post_at"] or "never"),
        ("fuse", f"{begun} and {charge['usd_of_hour']} USD of {most} in the last hour"),
        ("open", f"{counted(charge['open'], 'attempt')}, {asked} of them ask a customer"),
    ]
    if charge["stopped"] is not None:
        rows.append(("stopped", f"since {charge['stopped_at']}: {charge['stopped']}"))
    if not charge["settled"]:
        rows.append(("not settled", "nobody is charged before `till charge` has settled all"))
    return rows


def _print(found: dict[str, Any]) -> None:
    waiting = found["commits_waiting"]
    rows = [
        ("node", f"{found['node']}, {found['mode']} mode"),
        ("remote", f"{found['remote']} ({found['branch']})"),
        ("not committed", counted(found["records_not_committed"], "line")),
        ("not pushed", counted(waiting, "commit")),
        ("last push", found["last_push_at"] or "never"),
    ]
    if "charge" in found:
        rows += _charge_rows(found["charge"])
    for account in found["accounts"]:
        said = f"last event {account['last_event_at'] or 'never'}"
        said += f", last sweep {account['last_sweep_at'] or 'never'}"
        rows.append((account["name"], said + f", {account['asked_again']} asked about again"))
    late = found["waiting"]
    if late["do"]:
        rows.append((late["health"], f"{late['says']}. {late['do']}"))
    for each in found["failing"]:
        times = counted(each["times"], "time")
        rows.append(("failing", f"{each['account']} {each['object']}, {times}: {each['error']}"))
    rows += [("look at", f"{e['account']} {e['ref']}: {e['what']}") for e in found["faults"]]
    for name, value in rows:
        click.echo(f"{name + ':':<16} {escape(value)}")
