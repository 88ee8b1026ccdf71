"""`backup`, `restore`, `archive`, `unarchive`: copies of what was billed."""

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
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
@click.pass_obj
def backup(context: Context, file: Path, *, force: bool, as_json: bool) -> int:
    """Save the ledger and every billed commit in the tar file FILE.

    It may run at any time: it neither waits for the daemon nor delays it. Every backup is complete,
    as large as the database and the packs of all mirrors together; up to twice that space is needed
    while it is written. Exits with 1 if the mirror of a billed repo could not be saved; the others
    are saved nevertheless.

    The configuration, keys and tokens are not included.
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
    "--from-copy", is_flag=True, help="Restore from the configured copy remote, not from a file."
)
@click.option("--force", is_flag=True, help="Move the contents of the state directory aside.")
@json_option
@click.pass_obj
def restore(
    context: Context, file: Path | None, *, from_copy: bool, force: bool, as_json: bool
) -> int:
    """Restore the state saved in FILE, and prove it.

    The state directory must be empty, and no other aggregator may use it. Nothing is put in place
    until the ledger, recomputed from the restored mirrors, has the digest that the backup states.
    The next pull continues from there. An interrupted restore can be repeated.

    With --from-copy the commits on the copy remote count as billed, and the ledger is made from
    them. Exits with 1 if something was restored that could not be proved.
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
@click.option("--force", is_flag=True, help="Also if it is still read (the next pull unpacks it),"
              " and if more may have been pushed than billed: that is lost.")  # fmt: skip
@json_option
@click.pass_obj
def archive(context: Context, repo: str, *, force: bool, as_json: bool) -> None:
    """Pack the mirror of REPO, which is no longer read, into one file.

    For the repo of a retired node, or a previous repo after a rollover. If the repo is configured,
    its remote is asked once more: everything there must have been billed. What was billed stays
    billed: `verify`, `rebuild`, `explain` and `backup` unpack the file when they need it, and so
    does a pull if the repo is read again. The mirror is removed once the file is proved to be
    complete and is on disk.

    The daemon must be stopped, because only one process may write.
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
    """Restore the mirror of REPO from its archive.

    Only needed to examine it with git: every command that reads an archived repo unpacks it by
    itself.
    """
    from aggregator.backup.archive_repo import unarchive_repo

    with context.writing() as (state, _):
        unarchive_repo(state, repo)
        mirror = state.config.mirror_path(repo)
    if as_json:
        print_json({"name": repo, "mirror": str(mirror)})
    else:
        click.echo(f"restored the mirror {mirror}")
