"""`books pay`, `grant`, `refund` and `adjust`: movements of money."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gitmeter.support.terminal import print_json

if TYPE_CHECKING:
    from books.money import Movement
    from node_pusher.spool.api import Spool
    from wire_format.field_types import MoneyKind

_PROVIDERS: Final = ("stripe", "clickpesa", "manual")
_STATUSES: Final = ("succeeded", "pending", "failed")
_NEGATIVE_AMOUNTS: Final = {"ignore_unknown_options": True}
"""Allows `-5.00` as an argument; an unknown option is then one argument too many."""

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_ts_option = click.option(
    "--ts", help="Time with offset: 2026-11-21T13:05:00Z. Default: now; may not be later."
)
_status_option = click.option(
    "--status",
    type=click.Choice(_STATUSES),
    default="succeeded",
    show_default=True,
    help="Only `succeeded` moves money.",
)
_user_argument = click.argument("user")
_amount_argument = click.argument("amount")


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option(
    "--provider",
    type=click.Choice(_PROVIDERS),
    default="manual",
    show_default=True,
    help="The payment provider.",
)
@click.option(
    "--external-ref",
    metavar="TEXT",
    help="The provider's reference: the same one recorded twice counts once.",
)
@click.option("--currency", default="USD", show_default=True, help="The currency of AMOUNT.")
@click.option(
    "--credited-usd",
    metavar="USD",
    help="USD added to the balance, if AMOUNT is in another currency.",
)
@_status_option
@_ts_option
@_json_option
@click.pass_obj
def pay(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Record that USER paid AMOUNT.

    \b
    books pay alice 50.00
    books pay alice 50.00 --provider stripe --external-ref pi_3Q8c1f
    books pay bob 50000 --currency TZS --credited-usd 19.04 --provider clickpesa
    """
    _record(home, as_json, "payment", **options)


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option("--reason", help="Why; shown in audits.")
@_ts_option
@_json_option
@click.pass_obj
def grant(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Grant USER a credit of AMOUNT in USD; unlike a payment it starts no discount.

    \b
    books grant alice 5.00 --reason "welcome credit"
    """
    _record(home, as_json, "grant", **options)


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option(
    "--payment",
    "refers_to",
    type=click.IntRange(min=1),
    required=True,
    metavar="SEQ",
    help="The seq of the payment that is refunded.",
)
@click.option("--reason", help="Why; shown in audits.")
@click.option(
    "--provider", type=click.Choice(_PROVIDERS), help="The payment provider. Default: as paid."
)
@click.option("--external-ref", metavar="TEXT", help="The provider's reference of the refund.")
@click.option("--currency", help="The currency of AMOUNT. Default: as paid.")
@click.option(
    "--credited-usd",
    metavar="USD",
    help="USD taken off the balance, if AMOUNT is in another currency.",
)
@_status_option
@_ts_option
@_json_option
@click.pass_obj
def refund(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Record that USER got AMOUNT of a payment back.

    \b
    books refund alice 12.50 --payment 3 --external-ref re_1 --reason "double order"
    """
    _record(home, as_json, "refund", **options)


@click.command(context_settings=_NEGATIVE_AMOUNTS)
@_user_argument
@_amount_argument
@click.option("--reason", required=True, help="Why; shown in audits.")
@_ts_option
@_json_option
@click.pass_obj
def adjust(home: Path, /, *, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - click passes options by name
    """Correct the balance of USER by AMOUNT in USD, which may be negative.

    \b
    books adjust alice -5.00 --reason "counted twice, see the letter of 3 May"
    """
    _record(home, as_json, "adjustment", **options)


def _record(home: Path, as_json: bool, kind: "MoneyKind", **options: Any) -> None:  # noqa: ANN401, FBT001 - what click passed
    """Record a movement and print it."""
    from books.money import record
    from node_pusher.spool.api import Spool
    from wire_format.instants import format_ts

    with Spool.open(home, role="books") as spool:
        movement = _movement(home, spool, kind, options)
        _refuse_second(home, spool, movement)
        done = record(spool, movement)
    if as_json:
        print_json(
            {
                "node": done.node,
                "seq": done.seq,
                "ts": format_ts(done.ts),
                "user": movement.user,
                "kind": kind,
                "provider": movement.provider,
                "external_ref": movement.external_ref,
                "refers_to": movement.refers_to,
                "amount": movement.amount,
                "currency": movement.currency,
                "credited_usd": movement.credited_usd,
                "status": movement.status,
                "reason": movement.reason,
            }
        )
        return
    pending = "" if movement.status == "succeeded" else f" ({movement.status}: moves no money)"
    click.echo(
        f"{done.node} seq {done.seq}: {kind} of {movement.amount} {movement.currency},"
        f" {movement.user}{pending}; next: `books push`"
    )


def _movement(home: Path, spool: "Spool", kind: "MoneyKind", options: dict[str, Any]) -> "Movement":
    """The movement that the options describe; a refund is completed from its payment."""
    from books.money import MoneyError, Movement
    from node_pusher.spool.drafts import parse_instant
    from node_pusher.spool.outcomes import Refusal

    values = {name: value for name, value in options.items() if value is not None}
    if "ts" in values:
        ts = parse_instant(values["ts"])
        if isinstance(ts, Refusal):
            raise MoneyError(ts.reason)
        values["ts"] = ts
    if "currency" in values:
        values["currency"] = values["currency"].upper()
    movement = Movement(kind=kind, **values)
    if kind != "refund":
        return movement
    from books.earlier_lines import find_line, recorded_money
    from books.refunds import fit_payment
    from node_pusher.home.settings_file import read_home

    settings = read_home(home, "books")
    payment = find_line(settings, spool, values["refers_to"])
    given = (values.get("provider"), values.get("currency"))
    return fit_payment(movement, payment, *given, recorded_money(settings, spool))


def _refuse_second(home: Path, spool: "Spool", movement: "Movement") -> None:
    """Refuse a movement that is recorded already, because the aggregator would not count it."""
    if movement.external_ref is None or movement.status != "succeeded":
        return
    from books.earlier_lines import recorded_money
    from books.money import MoneyError
    from node_pusher.home.settings_file import read_home

    key = (movement.provider, movement.external_ref, movement.kind, "succeeded")
    for line in recorded_money(read_home(home, "books"), spool):
        if (line.provider, line.external_ref, line.kind, line.status) == key:
            raise MoneyError(
                f"seq {line.seq} records the {line.kind} {line.external_ref} of {line.provider}"
                f" already: {line.amount} {line.currency}, {line.user}",
                hint="nothing was recorded: of several the aggregator counts only the first",
            )
