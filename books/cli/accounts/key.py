"""`books key`: make and revoke keys of accounts."""

from pathlib import Path
from typing import Any

import click

from books.cli.accounts.entering import (
    line_options,
    line_values,
    print_done,
    record,
    recorded,
    user_argument,
)
from books.cli.instants import InstantType
from gitmeter.support.terminal import print_json
from wire_format.fields import INT_MAX


@click.group()
def key() -> None:
    """Make and revoke keys of accounts.

    Each command writes one line of the books, which counts once it has been pushed and the
    aggregator has pulled it. Customers make and revoke keys of their own at a portal.
    """


@key.command()
@user_argument
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    metavar="TEXT",
    help="What the key opens; may be stated several times.",
)
@click.option(
    "--rpm", type=click.IntRange(min=1, max=INT_MAX), help="Most requests in a minute with it."
)
@click.option(
    "--until", type=InstantType(hours_only=True), help="When it ends, a full hour. Default: never."
)
@click.option(
    "--sha256",
    metavar="HASH",
    help="The SHA-256 of a secret that was made elsewhere. Default: one is made here.",
)
@line_options(needs_reason=False)
@click.pass_obj
def make(
    home: Path,
    /,
    user: str,
    *,
    scopes: tuple[str, ...],
    sha256: str | None,
    as_json: bool,
    **stated: Any,  # noqa: ANN401 - click passes options by name
) -> None:
    """Make a key of USER, and print its secret: this once, and never again.

    The books keep the hash alone. Who loses a key needs another one.

    \b
    books key make alice --scope usage:read
    books key make alice --scope 'llm/*' --rpm 60 --until 2027-01-01
    """
    from gitmeter.keys.secret import key_id_of, make_key

    made = make_key() if sha256 is None else None
    digest = made.sha256 if made else str(sha256)
    fields = {"key_id": key_id_of(digest), "sha256": digest, "scopes": tuple(sorted(set(scopes)))}
    by = stated.pop("by")
    done = recorded(home, by, "key", user=user, **fields, **stated)
    if as_json:
        more = {"secret": made.secret} if made else {}
        print_json(line_values(done, by) | more)
        return
    print_done(done)
    if made:
        click.echo(f"its secret, shown this once: {made.secret}")


@key.command()
@user_argument
@click.argument("key_id")
@line_options(needs_reason=True)
@click.pass_obj
def revoke(home: Path, /, user: str, key_id: str, *, as_json: bool, by: str, reason: str) -> None:
    """Revoke the key KEY_ID of USER, for ever.

    KEY_ID is the first 16 digits of its hash; `books log` shows it. It may be a key that a desk
    made.

    \b
    books key revoke alice 3f2a9c0d41b7e685 --reason "found in a public repo"
    """
    done = record(home, as_json, by, "revoke", user=user, key_id=key_id, reason=reason)
    if not done.is_known_key:
        click.echo(
            f"note: these books made no such key of {user}; this ends one that a desk made",
            err=True,
        )
