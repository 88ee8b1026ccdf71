"""`books pay`, `refund` and `adjust`: movements of money; `grant` is one too (`grants.grant`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from books.cli.acts import entered_by_option
from books.cli.bulk.command import record_bulk
from books.cli.bulk.options import BankOptions, BulkOptions, bank_options, bulk_options
from books.cli.line_json import line_json
from gitmeter.support.terminal import print_json

if TYPE_CHECKING:
    from books.errors import AlreadyRecordedError
    from wire_format.field_types import MoneyKind
    from wire_format.lines import Money

_STATUSES: Final = ("succeeded", "pending", "failed")
_SIMILAR_SHOWN_MAX: Final = 3
NEGATIVE_AMOUNTS: Final = {"ignore_unknown_options": True}
"""Allows `-5.00` as an argument; an unknown option is then one argument too many."""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ts_option = click.option(
    "--ts", help="Time with offset: 2026-11-21T13:05:00Z. Default: now; may not be later."
)
_status_option = click.option(
    "--status",
    type=click.Choice(_STATUSES),
    default="succeeded",
    show_default=True,
    help="Only `succeeded` moves money.",
)
_new_movement_option = click.option(
    "--new-movement",
    "is_new_movement",
    is_flag=True,
    help="Another provider's movement has the same reference, and this is another one.",
)
_by_hand_option = click.option(
    "--by-hand",
    "is_by_hand",
    is_flag=True,
    help="Record it although a till records what moves at this provider.",
)
_reason_option = click.option("--reason", help="Why; shown in audits.")
_user_argument = click.argument("user")
_amount_argument = click.argument("amount", metavar="AMOUNT", required=False)


@click.command(context_settings=NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option(
    "--provider",
    metavar="NAME",
    show_default="manual",
    help="The payment provider: stripe, clickpesa, manual, or an account of rules/writers.toml.",
)
@click.option(
    "--external-ref",
    metavar="TEXT",
    help="The provider's reference: the same one recorded twice counts once.",
)
@_new_movement_option
@_by_hand_option
@_reason_option
@click.option("--currency", show_default="USD", help="The currency of AMOUNT.")
@click.option(
    "--credited-usd",
    metavar="USD",
    help="USD added to the balance, if AMOUNT is in another currency.",
)
@_status_option
@ts_option
@entered_by_option
@bulk_options
@bank_options
@_json_option
@click.pass_obj
def pay(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Record that USER paid AMOUNT.

    With - in place of USER and AMOUNT the payments of standard input are recorded.

    \b
    books pay alice 50.00
    books pay alice 50.00 --provider stripe --external-ref pi_3Q8c1f
    books pay bob 50000 --currency TZS --credited-usd 19.04 --provider clickpesa
    books pay - --provider stripe < payments.csv

    Where a till records what moves at a provider, this is for what it cannot: --by-hand says so,
    and decides whose an undecided payment is and what it credits. The reference is then required,
    and is the payment's own name at the provider: pi_ at Stripe.

    \b
    books pay bob 50000 --currency TZS --credited-usd 19.04 --provider clickpesa-tz \\
      --external-ref 0968TX --by-hand --reason "his order was never pending"

    Standard input is CSV, whose first line names the columns, or JSONL, one object a line. Columns
    and keys are user, amount and the options with _ for -: external_ref. An option states what
    holds for every row that does not say otherwise. Amounts in JSON are text, or whole numbers.

    All rows are recorded, or none if any is refused. Each is judged as if it were entered after
    those above it. A row with a reference that is recorded already, with the same content, is
    passed over, so the same file may be sent again. Rows without a reference would be recorded
    again: after an interruption look at `books log`, which has all rows of a file or none.

    Sort the rows by time where you can: `books log` and git show them in the order of the file.

    The file of a bank is read as it is, with --column for each column that matters:

    \b
    books pay - --column user=Purpose --match 'GM-([a-z0-9-]+)' --column amount=Amount \\
      --column external_ref="Transaction ID" --column ts=Date --date-format %d.%m.%Y \\
      --decimal , --dry-run < march.csv

    Lines of which nothing came in, or no account is found, are not taken, which is said; they are
    no faults. A line without a reference is one.
    """
    record_movement(home, "payment", as_json=as_json, **options)


@click.command(context_settings=NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option(
    "--payment",
    "refers_to",
    type=click.IntRange(min=1),
    metavar="SEQ",
    help="The seq of the payment that is refunded. Required, or --payment-ref.",
)
@click.option(
    "--payment-ref", metavar="TEXT", help="The provider's reference of that payment, in its place."
)
@_reason_option
@click.option("--provider", metavar="NAME", help="The payment provider. Default: as paid.")
@click.option("--external-ref", metavar="TEXT", help="The provider's reference of the refund.")
@_new_movement_option
@_by_hand_option
@click.option("--currency", help="The currency of AMOUNT. Default: as paid.")
@click.option(
    "--credited-usd",
    metavar="USD",
    help="USD taken off the balance, if AMOUNT is in another currency.",
)
@_status_option
@ts_option
@entered_by_option
@bulk_options
@_json_option
@click.pass_obj
def refund(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Record that USER got AMOUNT of a payment back.

    \b
    books refund alice 12.50 --payment 3 --external-ref re_1 --reason "double order"
    books refund alice 5 --provider stripe-eu --payment-ref pi_3Q8c1f --external-ref re_2 --by-hand
    books refund - < refunds.csv

    Where a till records what moves at a provider, --by-hand and both references are required; the
    payment may be one that the till recorded.

    With - the refunds of standard input are recorded: see `books pay --help`.
    """
    record_movement(home, "refund", as_json=as_json, **options)


@click.command(context_settings=NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option("--reason", help="Why; shown in audits. Required.")
@ts_option
@entered_by_option
@bulk_options
@_json_option
@click.pass_obj
def adjust(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Correct the balance of USER by AMOUNT in USD, which may be negative.

    \b
    books adjust alice -5.00 --reason "counted twice, see the letter of 3 May"
    books adjust - --reason "balances of the former system" < balances.csv

    With - the adjustments of standard input are recorded: see `books pay --help`.
    """
    record_movement(home, "adjustment", as_json=as_json, **options)


def record_movement(
    home: Path,
    kind: "MoneyKind",
    *,
    as_json: bool,
    **options: Any,  # noqa: ANN401 - what click passed
) -> None:
    """Record a movement and print it; with `-` those of standard input."""
    from books.errors import AlreadyRecordedError
    from books.money import movement_of, record
    from node_pusher.spool.api import Spool

    how = BulkOptions(*(options.pop(name) for name in BulkOptions._fields))
    bank = BankOptions(
        **{name: options.pop(name) for name in BankOptions._fields if name in options}
    )
    if options["user"] == "-":
        del options["user"]
        if (amount := options.pop("amount")) is not None:
            raise click.UsageError(f"{amount}: with - every amount comes from standard input")
        record_bulk(home, kind, options, how, bank, as_json=as_json)
    if any(how) or any(bank):
        raise click.UsageError(
            "--format, --skip-refused, --refused, --dry-run, --column and its like go with -"
        )
    missing_payment = options.get("payment_ref") is None
    required = {"refund": ("refers_to",) * missing_payment, "adjustment": ("reason",)}
    _refuse_missing(("amount", *required.get(kind, ())), options)
    movement = movement_of(kind, options)
    with Spool.open(home, role="books") as spool:
        try:
            done = record(spool, movement)
        except AlreadyRecordedError as error:
            if movement.terms is None:
                raise
            _print_there(error, as_json=as_json)
            return
    line = done.line
    if as_json:
        more = {} if movement.terms is None else {"repeated": False}
        print_json(
            line_json(line)
            | more
            | {
                "by": options["by"],
                "is_new_user": done.is_new_user,
                "similar_users": list(done.similar_users),
            }
        )
        return
    pending = "" if line.status == "succeeded" else f" ({line.status}: moves no money)"
    pending += "" if movement.terms is None else _terms(line)
    click.echo(
        f"{line.node} seq {line.seq}: {kind} of {line.amount} {line.currency},"
        f" {line.user}{pending}; next: `books push`"
    )
    if done.is_new_user:
        click.echo(_about_new_user(line.user, done.similar_users), err=True)


def _print_there(error: "AlreadyRecordedError", *, as_json: bool) -> None:
    """Say that a grant with terms is there, which is as good as recording it."""
    if as_json:
        print_json(line_json(error.line) | {"repeated": True})
    else:
        click.echo(f"{error}; nothing was recorded, and another grant needs another --ref")


def _terms(line: "Money") -> str:
    from books.grants.lines import terms_text

    return f": {line.external_ref}, {terms_text(line)}"


def _refuse_missing(required: Sequence[str], options: Mapping[str, Any]) -> None:
    """Refuse a command without what only `-` makes optional."""
    context = click.get_current_context()
    for param in context.command.params:
        if param.name in required and options[param.name] is None:
            raise click.MissingParameter(ctx=context, param=param)


def _about_new_user(user: str, similar: Sequence[str]) -> str:
    """What to say of a user whom these books did not know."""
    said = f"note: {user} is new in these books"
    if not similar:
        return said
    shown = ", ".join(similar[:_SIMILAR_SHOWN_MAX])
    return f"{said}, which know {shown}; a line for the wrong user is excluded with `books decide`"
