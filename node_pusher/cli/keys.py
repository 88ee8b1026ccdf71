"""`show-key` and `rotate-key`: the key that signs a home's commits."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitmeter.support.terminal import print_json
from node_pusher.cli.home import json_option, load_home

if TYPE_CHECKING:
    from node_pusher.home.own_key import OwnKey


@click.command("show-key")
@click.option("--node", help="The node's name; makes the key if there is no home yet, for a later"
              " `init`.")  # fmt: skip
@json_option
@click.pass_obj
def show_key(home: Path, /, node: str | None, as_json: bool) -> None:  # noqa: FBT001 - click
    """Print this home's key as a line for allowed signers.

    The operator adds it to the allowed signers, as for `git verify-commit`. The same key can be the
    deploy key with which the node pushes over ssh.

    \b
    node-pusher show-key >> allowed_signers
    ssh node node-pusher show-key --node embedder-01 | aggregator node add embedder-01 --key -
    """
    from node_pusher.home.own_key import own_key

    if node is None:
        found = load_home(home)
        key = own_key(found.path, found.node)
    else:
        key = _key_of(home, node)
    if as_json:
        print_json({"allowed_signers_line": key.line, "fingerprint": key.fingerprint})
    else:
        click.echo(key.line)


def _key_of(path: Path, node: str) -> "OwnKey":
    """The key of a home, which must belong to this node; it is made if there is no home yet."""
    from node_pusher.home.errors import HomeError
    from node_pusher.home.layout import make_folder
    from node_pusher.home.locks import LOCK_WAIT_S, push_lock
    from node_pusher.home.own_key import ensure_key, own_key
    from node_pusher.home.settings import check_node
    from node_pusher.home.settings_file import find_home

    check_node(node)
    if find_home(path) is None:
        make_folder(path)
        with push_lock(path, wait_s=LOCK_WAIT_S):
            if find_home(path) is None:
                ensure_key(path, node)
                return own_key(path, node)
    home = load_home(path)
    if home.node != node:
        raise HomeError(
            f"{path} is the home of {home.node}, not of {node}",
            hint="give every node a folder of its own with --home",
        )
    return own_key(path, node)


@click.command("rotate-key")
@click.option("--prepare", is_flag=True, help="Only make the next key and print its line; the"
              " present key stays in use. Repeated, it prints the same line.")  # fmt: skip
@json_option
@click.pass_obj
def rotate_key(home: Path, /, prepare: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Sign with a new key from now on.

    The old private key is deleted. Its public half stays in this home's own allowed_signers, so
    that the commits it signed still count as this home's. No commit is held if the operator knows
    the new key first:

    \b
    1. here:         rotate-key --prepare    prints the line of the next key
    2. the operator: adds that line to the allowed signers; in front of the key it may say
                     valid-after="20261201Z"
    3. here:         rotate-key              signs with it from now on
    4. the operator: once a commit of the new key was billed, closes the old key's line with
                     valid-before="20261202Z"

    If a key was stolen: delete signing_key.next if there is one, run rotate-key, let the operator
    replace the line, and examine what the old key signed. After an interruption `show-key` shows
    the key in use; a prepared key is used by the next rotate-key.
    """
    from node_pusher.home.locks import LOCK_WAIT_S, push_lock
    from node_pusher.home.own_key import prepare_rotation, rotate

    found = load_home(home)
    with push_lock(found.path, wait_s=LOCK_WAIT_S):
        key = (prepare_rotation if prepare else rotate)(found.path, found.node)
    if as_json:
        print_json(
            {
                "allowed_signers_line": key.line,
                "fingerprint": key.fingerprint,
                "in_use": not prepare,
            }
        )
        return
    click.echo("the next key:" if prepare else "signs from now on:", err=True)
    click.echo(key.line)
