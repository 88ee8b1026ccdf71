"""`node-pusher rollover`: go on in the node's next repo."""

from datetime import UTC, datetime
from pathlib import Path

import click

from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import json_option, load_home

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--remote", "url", required=True, metavar="URL", help="The next repo: one that exists"
              " and is empty.")  # fmt: skip
@click.option("--token-file", type=_FILE, help="File of mode 600 with an access token (https). The"
              " present one, if the server is the same.")  # fmt: skip
@click.option("--ssh-key", type=_FILE, help="Private key (ssh). The present one unless told.")
@click.option("--known-hosts", type=_FILE, help="Keys of the servers to trust (ssh). The present"
              " file unless told.")  # fmt: skip
@json_option
@click.pass_obj
def rollover(
    home: Path,
    /,
    *,
    url: str,
    token_file: Path | None,
    ssh_key: Path | None,
    known_hosts: Path | None,
    as_json: bool,
) -> None:
    """Go on in this node's next repo, say one a year.

    Everything recorded so far is pushed to the present repo first; if that or the next one does not
    answer, nothing has changed (exit code 75) and the same command tries again. Numbers go on as
    they are. The present repo gets a last commit that says where the node went, and stays in the
    home: `correct` and `log --all` know what is in it.

    Tell the aggregator of the next repo too; it reads both.

    \b
    node-pusher rollover --remote https://forge.example/ops/billing-embedder-01.2027.git
    """
    from gitmeter.git_remote.remote import Remote
    from node_pusher.home.repo_place import opened_alike
    from node_pusher.joining.rollover import rollover as roll

    present = load_home(home)
    to = opened_alike(present.repo.remote, Remote(url, token_file, ssh_key, known_hosts))
    done = roll(present, to, datetime.now(UTC))
    if done.remark:
        click.echo(f"warning: {escape(done.remark)}", err=True)
    if as_json:
        print_json(done)
        return
    there = "went on to" if done.outcome == "started" else "is already in"
    click.echo(f"{done.node}: {there} {done.remote}; the next record is seq {done.next_seq}")
