"""`pull`, `pull-now`, `run`, `rebuild` and `verify`: keep the ledger, and prove it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.context import Context, json_option, now, opening
from aggregator.cli.progress import commits_progress
from gitmeter.support.errors import ExitCode, GitmeterError
from gitmeter.support.terminal import counted, escape, print_json

if TYPE_CHECKING:
    from aggregator.copies.schedule import CopyFailure
    from aggregator.pulling.repo_pass import RepoReport

_DIFFERENCES_SHOWN = 20
_POLL_S = 0.1


@click.command()
@json_option
@click.pass_obj
def pull(context: Context, *, as_json: bool) -> int:
    """Read every repo once, bill what is new, and print a line for each repo.

    Exits with 75 if a remote could not be reached (try again later), with 1 if something needs
    attention (see `aggregator incidents`).
    """
    from aggregator.copies.schedule import copy_now
    from aggregator.pulling.passes import Puller

    reports: list[RepoReport] = []
    with context.writing() as (state, ledger):
        if not state.config.repo:
            raise GitmeterError(
                f"no repos in {context.config_path}",
                hint="add a [[repo]] table for each, or `aggregator node add` on a forge",
            )
        with commits_progress() as on_progress:
            for report in Puller(state, ledger, now).pull(on_progress):
                reports.append(report)
                if not as_json:
                    click.echo(_line(report))
        failures = copy_now(state, ledger.store, now)
    if as_json:
        print_json([asdict(report) for report in reports])
    for name, failure in failures.items():
        click.echo(f"{name}: INCIDENT copy failed: {escape(failure.detail)}", err=as_json)
    if state.config.registration_faults:
        return ExitCode.FAILED
    return _exit_code(reports, failures.values())


def _line(report: "RepoReport") -> str:
    parts = [f"{report.name}: {report.outcome}"]
    if report.commits:
        records = counted(report.admitted, "record")
        parts.append(f"{counted(report.commits, 'commit')}, {records}")
    if report.duplicates:
        parts.append(counted(report.duplicates, "duplicate"))
    if report.held:
        parts.append(f"{report.held} held")
    if report.rejected:
        parts.append(f"{report.rejected} rejected")
    if report.behind:
        parts.append(f"{counted(report.behind, 'commit')} behind")
    if report.incident is not None:
        parts.append(f"INCIDENT {report.incident}: {escape(report.detail)}")
    parts += [f"INCIDENT {kind}" for kind in report.noticed]
    return "; ".join(parts)


def _exit_code(reports: "list[RepoReport]", failures: "Iterable[CopyFailure]") -> ExitCode:
    troubled = [report for report in reports if report.incident is not None]
    may_pass = [report.retry for report in troubled] + [failure.retry for failure in failures]
    if any(report.noticed for report in reports) or not all(may_pass):
        return ExitCode.FAILED
    return ExitCode.TRY_LATER if may_pass else ExitCode.OK


@click.command("pull-now")
@click.argument("repos", nargs=-1)
@click.option(
    "--timeout-s", default=300, show_default=True, help="How long to wait for the daemon."
)
@json_option
@click.pass_obj
def pull_now(context: Context, repos: tuple[str, ...], timeout_s: int, *, as_json: bool) -> int:
    """Make the daemon look at REPOS at once, or at all repos, and print what it found.

    It reads changed registrations first, and waits for no back-off and no interval. Exits with 1
    if one of the repos has an open incident, with 75 if the daemon has not finished in time.
    """
    from aggregator.daemon.asked import ALL, AskedPulls
    from aggregator.reports import repos as reports

    config = context.config()
    known = {repo.name for repo in config.repo}
    if unknown := sorted(set(repos) - known):
        raise GitmeterError(
            f"no repo is called {', '.join(unknown)}", hint="`aggregator nodes` lists them"
        )
    _refuse_without_daemon(config.state)
    requests = AskedPulls(config.state)
    wanted = repos or (ALL,)
    for name in wanted:
        requests.ask(name)
    if not _wait(lambda: all(map(requests.is_done, wanted)), timeout_s):
        was_taken = not any(map(requests.is_waiting, wanted))
        for name in wanted:
            requests.withdraw(name)
        raise NotDoneError(
            f"the daemon has not finished after {timeout_s} s"
            if was_taken
            else f"no daemon took the request within {timeout_s} s",
            hint="`systemctl status aggregator.service` shows what it is doing",
        )
    shown = set(repos) or known
    with context.reading() as store:
        found = [row for row in reports.nodes(store) if row["repo"] in shown]
        incidents = [row for row in reports.incidents(store) if row["repo"] in shown]
    if as_json:
        print_json({"repos": found, "incidents": incidents})
    else:
        for row in found:
            behind = f"; {counted(row['behind'], 'commit')} behind" if row["behind"] else ""
            click.echo(f"{row['repo']}: {row['outcome']} at {row['checked_at']}{behind}")
        for row in incidents:
            click.echo(f"{row['repo']}: INCIDENT {row['kind']}: {escape(row['detail'])}")
    return ExitCode.FAILED if incidents else ExitCode.OK


class NotDoneError(GitmeterError):
    """The daemon has not answered in time; what was asked for may be done later."""

    retry = True


def _refuse_without_daemon(state: Path) -> None:
    from gitmeter.support.locks import LockedError, locked

    with suppress(LockedError), locked(state / "lock"):
        raise GitmeterError(
            f"no daemon works on {state}",
            hint="`aggregator pull` reads every repo once, or start it:"
            " `systemctl start aggregator.service`",
        )


def _wait(until: Callable[[], bool], timeout_s: float) -> bool:
    import time

    end_s = time.monotonic() + timeout_s
    while not until():
        if time.monotonic() >= end_s:
            return False
        time.sleep(_POLL_S)
    return True


@click.command()
@click.pass_obj
def run(context: Context) -> None:
    """Run as a daemon: pull every few minutes until a signal stops it.

    The first SIGTERM lets the current transaction finish, the second interrupts it. SIGHUP takes
    the configuration over again, if it can be used. Under systemd the daemon reports when it is
    ready and what it is doing, and feeds the watchdog.
    """
    from aggregator.daemon.loop import Daemon
    from aggregator.daemon.presence import alive_before_loop
    from aggregator.daemon.reload import Reload

    reload = Reload(context.config)
    is_wanted = True
    while is_wanted:
        with context.writing(alive_before_loop()) as (state, ledger):
            is_wanted = Daemon(state, ledger, now, reload).run()


@click.command()
@json_option
@click.pass_obj
def verify(context: Context, *, as_json: bool) -> int:
    """Recompute the ledger from the accepted commits, and compare.

    Exits with 1 if the database differs.
    """
    from aggregator.proof.verify import verify as verify_ledger

    state = context.state()
    store = context.reading()
    with commits_progress() as on_progress:
        result = verify_ledger(state, store, now(), on_progress, _DIFFERENCES_SHOWN)
    if as_json:
        print_json(
            {
                "digest": result.digest,
                "recomputed_digest": result.recomputed_digest,
                "rule_book": result.rule_book,
                "matches": result.matches,
                "cursors": result.cursors,
                "differences": [difference._asdict() for difference in result.differences],
                "broken_references": result.broken_references,
            }
        )
    elif result.matches:
        click.echo(f"matches git: digest {result.digest}")
        click.echo(f"rule book {result.rule_book}")
    else:
        if result.digest == result.recomputed_digest:
            click.echo(f"DIFFERS, though both have the digest {result.digest}")
        else:
            click.echo(f"DIFFERS: the database has {result.digest}, git {result.recomputed_digest}")
        for difference in result.differences:
            side = "only in the database" if difference.is_ours else "only in git     "
            click.echo(f"  {difference.section}, {side}: {escape(difference.row)}")
        click.echo("next: `aggregator rebuild` makes the database again from git")
    return ExitCode.OK if result.matches else ExitCode.FAILED


@click.command()
@click.option(
    "--to",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only to the commits that this file names, such as a statement in JSON; with --state.",
)
@click.option(
    "--state",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the ledger of then there, and leave the one of today as it is.",
)
@json_option
@click.pass_obj
def rebuild(
    context: Context, file: Path | None, folder: Path | None, *, as_json: bool
) -> int | None:
    """Rebuild the database from the accepted commits and replace the old one.

    With --to FILE and --state DIR: build the ledger as it was, in another place. FILE is a
    statement in JSON, or any JSON object with a commit for each repo. With its DIR before a
    command, every question is answered as it was then. Exits with 1 if the digest is not the one
    that FILE states: other configuration, or another version of this program.

    \b
    aggregator rebuild --to alice-2026-10.json --state then
    aggregator --state then balance alice
    """
    from aggregator.proof.digest import digest

    if (file is None) is not (folder is None):
        raise click.UsageError("--to FILE and --state DIR belong together")
    if file is not None and folder is not None:
        return _rebuild_past(context, file, folder, as_json=as_json)
    state = context.state()
    with state.locked():
        opening(state).rebuild_in_place()
    path = state.config.database_path
    rebuilt = {"database": str(path), "digest": digest(context.reading())}
    if as_json:
        print_json(rebuilt)
    else:
        click.echo(f"rebuilt {path}: digest {rebuilt['digest']}")
    return None


def _rebuild_past(context: Context, file: Path, folder: Path, *, as_json: bool) -> int:
    from aggregator.proof.past import read_made_from, rebuild_past

    made_from = read_made_from(file)
    with commits_progress() as on_progress:
        found = rebuild_past(
            context.state(), context.reading(), made_from, folder, now(), on_progress
        )
    if as_json:
        print_json({**found._asdict(), "database": str(found.database), "is_same": found.is_same})
    else:
        click.echo(f"built {found.database}: digest {found.digest}")
        if found.stated is not None:
            click.echo(
                f"the same as in {file}"
                if found.is_same
                else f"DIFFERS: {file} states {found.stated}; was it made by another version of"
                " this program, or under another configuration?"
            )
        click.echo(
            f"next: `aggregator --state {folder} statement USER PERIOD`, or another question"
        )
    return ExitCode.OK if found.is_same else ExitCode.FAILED
