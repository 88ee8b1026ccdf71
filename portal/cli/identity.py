"""`portal identity`: the people whom issuers vouch for, which stand outside git."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import click

from gitmeter.support.errors import GitmeterError
from gitmeter.support.terminal import escape, print_json
from node_pusher.cli.home import json_option
from portal.cli.common import loaded_config, utc_now
from wire_format.instants import format_ts

if TYPE_CHECKING:
    from portal.records.identities import Identities, Identity

_LINE_BYTES_MAX: Final = 4_096


class SavedIdentityError(GitmeterError):
    """A line is no identity that was exported."""


@click.group()
def identity() -> None:
    """Say which account a person has whom an issuer vouches for, and forget it.

    Where portal.toml names an issuer ([[issuer]]), its tokens open the account that stands here for
    their subject, as keys do. This is the one thing that is in neither git nor the ledger, so that
    a person can be forgotten: lines name people by a number made by chance. So save it:

    \b
    portal identity export > identities.jsonl

    All of this may be done while the portal serves, and holds at once.
    """


@identity.command("add")
@click.argument("user")
@click.option("--issuer", required=True, help="Its address, as portal.toml has it.")
@click.option("--subject", required=True, help="The issuer's name for the person: `sub`.")
@json_option
@click.pass_obj
def add(home: Path, /, user: str, issuer: str, subject: str, *, as_json: bool) -> None:
    """Let a person use the account of USER: all of it, and the role that it has as staff.

    A person has one account; an account may have several people. Running the same command again
    changes nothing.

    \b
    portal identity add alice --issuer https://login.example --subject 248289761001
    """
    from portal.records.identities import NAME_MAX, is_name
    from wire_format.fields import is_user

    if not (is_name(issuer) and is_name(subject)):
        raise click.UsageError(f"issuer and subject have 1 to {NAME_MAX} printable characters")
    if not is_user(user):
        raise click.BadParameter(f"{escape(user)} is no name of an account", param_hint="USER")
    _check_named(issuer)
    with _opened(home) as identities:
        found, is_new = identities.add(issuer, subject, user, utc_now())
    if as_json:
        print_json(_values(found) | {"is_new": is_new})
        return
    already = "" if is_new else " already"
    click.echo(f"{escape(subject)} opens {escape(user)}{already}, as {found.name} in lines")


@identity.command("list")
@click.option("--user", help="Only the people of this account.")
@json_option
@click.pass_obj
def list_(home: Path, /, *, user: str | None, as_json: bool) -> None:
    """List the people who are known, by issuer and subject."""
    from gitmeter.support.table import print_table

    with _opened(home) as identities:
        found = identities.all() if user is None else identities.of(user)
    if as_json:
        print_json([_values(each) for each in found])
        return
    rows = [
        (each.user, each.issuer, each.subject, each.name, _values(each)["added_at"])
        for each in found
    ]
    print_table(("account", "issuer", "subject", "in lines", "since"), rows)


@identity.command("erase")
@click.option("--issuer", help="Of the person.")
@click.option("--subject", help="Of the person.")
@click.option("--user", help="In the place of both: everybody of this account.")
@click.pass_obj
def erase(home: Path, /, *, issuer: str | None, subject: str | None, user: str | None) -> None:
    """Forget a person, or everybody of an account: their tokens open nothing from now on.

    Nothing of them is left in the file. What you exported earlier still has them: erase it there,
    or let it end by its age. Their account stays; `books account suspend` closes it.
    """
    is_person = issuer is not None and subject is not None and user is None
    is_account = user is not None and issuer is None and subject is None
    if not is_person and not is_account:
        raise click.UsageError("state --issuer and --subject, or --user")
    with _opened(home) as identities:
        if user is not None:
            found = identities.of(user)
        else:
            one = identities.find(issuer or "", subject or "")
            found = [] if one is None else [one]
        identities.erase(found)
    click.echo(f"erased: {len(found)}" if found else "nobody is known so")


@identity.command("export")
@click.pass_obj
def export(home: Path, /) -> None:
    """Print everybody, a line of JSON each: what `import` reads."""
    from msgspec import json

    with _opened(home) as identities:
        for each in identities.all():
            click.echo(json.encode(each))


@identity.command("import")
@click.argument("file", type=click.File("rb"))
@click.pass_obj
def import_(home: Path, /, file: IO[bytes]) -> None:
    """Take over everybody who was exported to FILE; `-` is standard input.

    All lines or none; who is known already stays as they are.
    """
    found = [*_saved(file)]
    with _opened(home) as identities:
        added = identities.put(found)
    click.echo(f"added: {added} of {len(found)}")


@contextmanager
def _opened(home: Path) -> "Iterator[Identities]":
    from front.memory_file import MemoryFile
    from gitmeter.support.owner import check_owner
    from node_pusher.home.settings_file import read_home
    from portal.records.identities import IDENTITIES, Identities

    check_owner(home)
    read_home(home, "desk")
    with MemoryFile.open(home, IDENTITIES) as file:
        yield Identities(file)


def _check_named(issuer: str) -> None:
    """Warn of an issuer whose tokens are not taken: it is easily written in another way."""
    named = [each.url for each in loaded_config().issuer]
    if issuer not in named:
        click.echo(
            f"warning: portal.toml names no issuer {escape(issuer)}"
            f" ({', '.join(named) or 'none'}), so nobody comes with its tokens",
            err=True,
        )


def _saved(file: IO[bytes]) -> "Iterator[Identity]":
    """What was exported.

    Raises:
        SavedIdentityError: a line is something else.
    """
    import msgspec

    from portal.records.identities import Identity

    for number, line in enumerate(iter(lambda: file.readline(_LINE_BYTES_MAX), b""), 1):
        try:
            yield msgspec.json.decode(line, type=Identity)
        except msgspec.DecodeError as error:
            raise SavedIdentityError(f"line {number}: {error}: nothing was taken over") from None


def _values(identity: "Identity") -> dict[str, str]:
    return {
        "user": identity.user,
        "issuer": identity.issuer,
        "subject": identity.subject,
        "name": identity.name,
        "added_at": format_ts(identity.added_at),
    }
