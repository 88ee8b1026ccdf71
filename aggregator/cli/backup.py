"""`backup`, `restore`, `archive`, `unarchive`: what is kept, and where."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.context import Context, json_option, now
from aggregator.cli.progress import commits_progress
from gitmeter.support.errors import ExitCode
from gitmeter.support.terminal import counted, escape, print_json

if TYPE_CHECKING:
    from aggregator.backup.restore import Restored

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
@click.pass_obj
def backup(context: Context, file: Path, *, force: bool, as_json: bool) -> int:
    """Save the ledger and every billed commit in FILE, one tar.

    It may run at any time: it waits for nobody and holds nobody up. FILE is as large as the
    database and the packs of all mirrors together, each time; up to twice that is needed while it
    is written. Exits with 1 when the mirror of a billed repo could not be saved: the others are.

    Not in it: the configuration, keys and tokens.
    """
    from aggregator.backup.make import backup as write_backup

    with commits_progress() as on_progress:
        made = write_backup(
            context.config(),
            file,
            now(),
            lambda _repo, done, total: on_progress("repos", done, total),
            force=force,
        )
    if as_json:
        size = {"file": str(file), "size_bytes": file.stat().st_size}
        print_json(size | made.model_dump(mode="json"))
    else:
        saved = counted(len(made.repos), "repo")
        click.echo(f"saved {saved} in {file}, {file.stat().st_size} bytes: digest {made.digest}")
        for repo in made.lacking:
            click.echo(f"NOT SAVED {repo.name}: {escape(repo.reason)}")
    return ExitCode.FAILED if made.lacking else ExitCode.OK


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option(
    "--from-copy", is_flag=True, help="From the copy remote of the configuration, not from a file."
)
@click.option("--force", is_flag=True, help="Move aside what the state directory has.")
@json_option
@click.pass_obj
def restore(
    context: Context, file: Path | None, *, from_copy: bool, force: bool, as_json: bool
) -> int:
    """Put the state saved in FILE in place, and prove it.

    The state directory must be empty, and nobody may work on it. Nothing is put in place before the
    ledger, recomputed from the restored mirrors, has the digest that the backup states. The next
    pull goes on from there. An unfinished restore can be repeated.

    With --from-copy the commits that the copy remote has are taken for billed and the ledger is
    made from them. Exits with 1 when something is in place that could not be proved.
    """
    from aggregator.backup.restore import restore as restore_backup
    from aggregator.backup.restore import restore_from_copy

    if (file is None) != from_copy:
        raise click.UsageError("give either FILE or --from-copy")
    config = context.config()
    with commits_progress() as on_progress:
        if file is None:
            done = restore_from_copy(config, now(), on_progress, force=force)
        else:
            done = restore_backup(config, file, now(), on_progress, force=force)
    if as_json:
        print_json(_answer(config.state, done))
    else:
        _print(config.state, done)
    return ExitCode.FAILED if done.lacking or done.unproved or done.unsigned else ExitCode.OK


def _answer(state: Path, done: "Restored") -> dict[str, Any]:
    return {
        "state": str(state),
        "digest": done.digest,
        "rebuilt": done.rebuilt or None,
        "unproved": done.unproved or None,
        "repos": [
            {"name": name, "cursor": tips.cursor, "kept": sorted(tips.kept)}
            for name, tips in done.tips.items()
        ],
        "lacking": [{"name": name, "reason": reason} for name, reason in done.lacking.items()],
        "unsigned": [{"name": name, "reason": reason} for name, reason in done.unsigned.items()],
        "moved_aside": None if done.aside is None else os.fspath(done.aside),
    }


def _print(state: Path, done: "Restored") -> None:
    click.echo(f"restored {counted(len(done.tips), 'repo')} in {state}: digest {done.digest}")
    if done.rebuilt:
        click.echo(f"made from the mirrors: {done.rebuilt}")
    if done.aside is not None:
        click.echo(f"what was there is now in {done.aside}")
    if done.unproved:
        click.echo(f"NOT PROVED: {escape(done.unproved)}")
    for name, reason in done.lacking.items():
        click.echo(f"NOT IN THE BACKUP {name}: {escape(reason)}")
    for name, reason in done.unsigned.items():
        click.echo(f"NOT SIGNED {name}: {escape(reason)}")
    click.echo("next: `aggregator pull`")


@click.command()
@click.argument("repo")
@click.option("--force", is_flag=True, help="Also when it is still read (the next pull brings it"
              " back), and when more may have been pushed than billed: that is lost.")  # fmt: skip
@json_option
@click.pass_obj
def archive(context: Context, repo: str, *, force: bool, as_json: bool) -> None:
    """Pack the mirror of REPO, which is read no more, into one file.

    For a repo whose node was retired or has gone on in its next repo. Its remote is asked once more
    where it is configured: everything there must have been billed. What was billed of it stays
    billed: `verify`, `rebuild`, `explain` and `backup` unpack the file when they need it, and so
    does a pull when the repo is read again. The mirror goes once the file is proved and on disk.

    One process writes at a time: stop the daemon for it.
    """
    from aggregator.backup.archive_repo import archive_repo

    with context.writing() as (state, ledger):
        saved = archive_repo(state, ledger.store, repo, force=force)
        bundle = state.archives.bundle(repo)
        size_bytes = bundle.stat().st_size
    if as_json:
        print_json(saved.model_dump(mode="json") | {
            "file": str(bundle), "size_bytes": size_bytes,
        })  # fmt: skip
    else:
        click.echo(f"archived {repo} in {bundle}, {size_bytes} bytes: {saved.bundle_sha256}")


@click.command()
@click.argument("repo")
@json_option
@click.pass_obj
def unarchive(context: Context, repo: str, *, as_json: bool) -> None:
    """Make the mirror of REPO again from its archive.

    To look into it with git. Nothing else needs it: whatever reads an archived repo unpacks it.
    """
    from aggregator.backup.archive_repo import unarchive_repo

    with context.writing() as (state, _):
        unarchive_repo(state, repo)
        mirror = state.config.mirror_path(repo)
    if as_json:
        print_json({"name": repo, "mirror": str(mirror)})
    else:
        click.echo(f"{repo} is in {mirror} again")
