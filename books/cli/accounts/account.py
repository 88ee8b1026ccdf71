"""`books account`: suspend and reopen accounts, their settings and keys, and who is staff."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from books.cli.accounts.line_text import line_text
from books.cli.acts import entered_by_option, recorded_text
from books.cli.instants import InstantType
from books.cli.line_json import line_json
from gitmeter.support.terminal import print_json
from wire_format.fields import INT_MAX

if TYPE_CHECKING:
    from books.accounts.recording import RecordedAccountLine
    from wire_format.versions.field_types import AccountKind

_Command = Callable[..., Any]
_user_argument = click.argument("user")


def line_options(*, needs_reason: bool) -> Callable[[_Command], _Command]:
    """Add the options of every line about an account."""

    def add(command: _Command) -> _Command:
        for option in (
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
            entered_by_option,
            click.option("--reason", required=needs_reason, help="Why; shown in audits."),
        ):
            command = option(command)
        return command

    return add


@click.group()
def account() -> None:
    """Suspend and reopen accounts, state their settings and keys, and name staff.

    Each command writes one line of the books, which counts once it has been pushed and the
    aggregator has pulled it. Desks write such lines too; these books do not read them.
    """


@account.command()
@_user_argument
@line_options(needs_reason=True)
@click.pass_obj
def suspend(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Suspend the account of USER: services are told to serve it no more.

    Money is not touched: what was used is billed, and plans and grants go on.

    \b
    books account suspend alice --reason "chargeback of 3 May"
    """
    _record(home, as_json, by, "suspend", user=user, **stated)


@account.command()
@_user_argument
@line_options(needs_reason=True)
@click.pass_obj
def reopen(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Reopen the account of USER, whoever suspended it before.

    \b
    books account reopen alice --reason "paid on 4 May"
    """
    _record(home, as_json, by, "reopen", user=user, **stated)


@account.command()
@_user_argument
@click.option("--cap-usd", metavar="USD", help="At most this is to be billed in one cycle.")
@click.option(
    "--next-plan", metavar="PLAN|none", help="The plan of the next period; none for no period."
)
@click.option("--auto-topup-usd", metavar="USD", help="How much an automatic payment is.")
@click.option("--auto-topup-below-usd", metavar="USD", help="The balance below which it is made.")
@click.option("--auto-topup-month-usd", metavar="USD", help="Most by such payments in a month.")
@line_options(needs_reason=False)
@click.pass_obj
def setting(home: Path, /, user: str, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """State settings of USER; of each the last that anybody stated holds.

    \b
    books account setting alice --cap-usd 100
    books account setting alice --next-plan starter --reason "asked by letter"

    A cap is a word to services: what was used beyond it is billed all the same.
    """
    record_setting(home, as_json, by, user=user, **stated)


@account.command()
@_user_argument
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
def key(
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
    books account key alice --scope usage:read
    books account key alice --scope 'llm/*' --rpm 60 --until 2027-01-01
    """
    from gitmeter.keys.secret import key_id_of, make_key

    made = make_key() if sha256 is None else None
    digest = made.sha256 if made else str(sha256)
    fields = {"key_id": key_id_of(digest), "sha256": digest, "scopes": tuple(sorted(set(scopes)))}
    by = stated.pop("by")
    done = _recorded(home, by, "key", user=user, **fields, **stated)
    if as_json:
        more = {"secret": made.secret} if made else {}
        print_json(_json(done, by) | more)
        return
    _print(done)
    if made:
        click.echo(f"its secret, shown this once: {made.secret}")


@account.command()
@_user_argument
@click.argument("key_id")
@line_options(needs_reason=True)
@click.pass_obj
def revoke(home: Path, /, user: str, key_id: str, *, as_json: bool, by: str, reason: str) -> None:
    """Revoke the key KEY_ID of USER, for ever.

    KEY_ID is the first 16 digits of its hash; `books log` shows it. It may be a key that a desk
    made.

    \b
    books account revoke alice 3f2a9c0d41b7e685 --reason "found in a public repo"
    """
    done = _record(home, as_json, by, "revoke", user=user, key_id=key_id, reason=reason)
    if not done.is_known_key:
        click.echo(
            f"note: these books made no such key of {user}; this ends one that a desk made",
            err=True,
        )


@account.command()
@click.argument("identity")
@click.argument("role")
@click.option("--user", default="", metavar="USER", help="The account of this person, if any.")
@click.option("--limit-usd", metavar="USD", help="At most this by one of their adjustments.")
@line_options(needs_reason=False)
@click.pass_obj
def staff(home: Path, /, *, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Say what IDENTITY may do at the desks: ROLE is a name that the portal knows.

    \b
    books account staff staff:7 support --limit-usd 20
    """
    _record(home, as_json, by, "staff", **stated)


def record_setting(home: Path, as_json: bool, by: str, **stated: Any) -> None:  # noqa: ANN401, FBT001 - what click passed
    """Record a setting and print it.

    Raises:
        AccountError: it breaks a rule, or `next_plan` is no plan.
    """
    from books.plans.known import read_plan_rules, refuse_unknown_plan
    from node_pusher.home.settings_file import read_home

    if (next_plan := stated.get("next_plan")) is not None:
        refuse_unknown_plan(next_plan, read_plan_rules(read_home(home, "books")))
    _record(home, as_json, by, "setting", **stated)


def _record(
    home: Path,
    as_json: bool,  # noqa: FBT001 - what click passed
    by: str,
    kind: "AccountKind",
    **stated: Any,  # noqa: ANN401 - what click passed
) -> "RecordedAccountLine":
    """Record a line and print it."""
    done = _recorded(home, by, kind, **stated)
    if as_json:
        print_json(_json(done, by))
    else:
        _print(done)
    return done


def _recorded(home: Path, by: str, kind: "AccountKind", **stated: Any) -> "RecordedAccountLine":  # noqa: ANN401 - what click passed
    from books.accounts.recording import new_line
    from books.accounts.status import record_once
    from node_pusher.spool.api import Spool

    with Spool.open(home, role="books") as spool:
        return record_once(spool, new_line(spool, kind, **stated), by)


def _json(done: "RecordedAccountLine", by: str) -> dict[str, Any]:
    return line_json(done.line) | {"by": by, "repeated": done.repeated}


def _print(done: "RecordedAccountLine") -> None:
    line = done.line
    user = f", {line.user}" if line.user else ""
    click.echo(recorded_text(line, line_text(line) + user, repeated=done.repeated))
