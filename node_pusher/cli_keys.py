"""`show-key` and `rotate-key`: the key that signs a home's commits."""

from pathlib import Path

import click

from node_pusher.cli_home import json_option, load_home
from support.terminal import print_json


@click.command("show-key")
@json_option
@click.pass_obj
def show_key(home: Path, /, as_json: bool) -> None:  # noqa: FBT001 - click
    """Print the line that lets this home's key sign.

    The operator adds it to the allowed signers of this node, as for `git verify-commit`:

    \b
    node-pusher show-key >> allowed_signers
    """
    from node_pusher.own_key import own_key

    key = own_key(load_home(home))
    if as_json:
        print_json({"allowed_signers_line": key.line, "fingerprint": key.fingerprint})
    else:
        click.echo(key.line)


@click.command("rotate-key")
@click.option("--prepare", is_flag=True, help="Only make the next key and print its line; the old"
              " one signs on. Again: the same line.")  # fmt: skip
@json_option
@click.pass_obj
def rotate_key(home: Path, /, prepare: bool, as_json: bool) -> None:  # noqa: FBT001 - click
    """Sign with another key from now on.

    The old private key is deleted. Its public half stays in this home's own allowed_signers, so
    that what it signed is still taken for this home's. No commit is held up when the operator
    knows the new key first:

    \b
    1. here:         rotate-key --prepare    prints the line of the next key
    2. the operator: adds that line to the allowed signers; in front of the key it may say
                     valid-after="20261201Z"
    3. here:         rotate-key              signs with it from now on
    4. the operator: once a commit of the new key was billed, closes the old key's line with
                     valid-before="20261202Z"

    If a key was stolen: delete signing_key.next where it is there, rotate-key, let the operator
    replace the line, and look at what the old key signed. After an interruption `show-key` says
    which key is in use; whatever was prepared is used by the next rotate-key.
    """
    from node_pusher.locks import push_lock
    from node_pusher.own_key import prepare_rotation, rotate

    settings = load_home(home)
    with push_lock(settings.path, wait_s=60):
        key = (prepare_rotation if prepare else rotate)(settings)
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
