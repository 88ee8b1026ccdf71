"""`node-pusher rollover`: continue in the node's next repo."""

from datetime import UTC, datetime
from pathlib import Path

import click

from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import json_option, load_home, other_file_options


@click.command()
@click.option("--remote", "url", required=True, metavar="URL", help="The next repo: one that exists"
              " and is empty.")  # fmt: skip
@other_file_options
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
    """Continue in this node's next repo, for example once a year.

    Everything recorded so far is pushed to the present repo first; if that or the next one does not
    answer, nothing has changed (exit code 75) and the same command tries again. Seqs continue. The
    present repo gets a last commit that names the next one, and stays in the home, where `correct`
    and `log --all` read it.

    The aggregator must read the next repo too, together with the present one.

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
